// Which cells are whose, and their colours: line 1 is the magic's, the rest the inner language's.

import { LanguageSupport, StreamLanguage, type StreamParser } from '@codemirror/language';
import { yaml } from '@codemirror/legacy-modes/mode/yaml';
import { Compartment, EditorState, Prec, type Extension, type Text } from '@codemirror/state';
import { dockerfile } from './dockerfile';

export type Language = 'dockerfile' | 'yaml';

const MAGIC = /^\s*%%(dockerfile|kube)(?!\w)/;
const HEAD = 400; // characters in which a magic must have begun

interface MagicState {
  /** The magic line is being read. */
  first: boolean;
  seen: boolean;
  inner: unknown;
}

function withMagicLine<Inner>(inner: StreamParser<Inner>): LanguageSupport {
  return new LanguageSupport(
    StreamLanguage.define<MagicState>({
      name: `nbcontainer-${inner.name}`,
      startState: (unit) => ({ first: true, seen: false, inner: inner.startState?.(unit) }),
      copyState: (state) => ({
        ...state,
        inner: inner.copyState
          ? inner.copyState(state.inner as Inner)
          : { ...(state.inner as Record<string, unknown>) },
      }),
      token(stream, state) {
        if (stream.sol() && state.first && state.seen) state.first = false;
        if (!state.first) return inner.token(stream, state.inner as Inner);
        if (stream.eatSpace()) return null;
        if (stream.match(/^%%\w+/)) {
          state.seen = true;
          return 'meta';
        }
        if (stream.match(/^--?[A-Za-z][\w-]*/)) return 'attributeName';
        if (stream.match(/^\{\{.*?\}\}/)) return 'variableName.special';
        if (stream.match(/^"[^"]*"?|^'[^']*'?/)) return 'string';
        stream.match(/^[^\s"'{=]+/) || stream.next();
        return null;
      },
      blankLine(state, unit) {
        if (!state.first) inner.blankLine?.(state.inner as Inner, unit);
      },
      indent: (state, after, context) => inner.indent?.(state.inner as Inner, after, context) ?? null,
      ...(inner.languageData ? { languageData: inner.languageData } : {}),
      ...(inner.tokenTable ? { tokenTable: inner.tokenTable } : {}),
    }),
  );
}

const LANGUAGES: Record<Language, LanguageSupport> = {
  dockerfile: withMagicLine(dockerfile),
  yaml: withMagicLine({ ...yaml, name: 'yaml' }),
};

/** The language of a cell's text, null where it is not ours. */
export function languageOf(source: string | Text): Language | null {
  const head = typeof source === 'string' ? source.slice(0, HEAD) : source.sliceString(0, HEAD);
  const name = MAGIC.exec(head)?.[1];
  return name === undefined ? null : name === 'kube' ? 'yaml' : 'dockerfile';
}

/** Colours a cell as soon as, and as long as, its first line is one of our magics. */
export function magicCells(source: string, extras: Partial<Record<Language, Extension>>): Extension {
  const compartment = new Compartment();
  const chosen = (language: Language | null): Extension =>
    // before the notebook's own language, which stays in place for all other cells
    language ? Prec.high([LANGUAGES[language], extras[language] ?? []]) : [];
  return [
    compartment.of(chosen(languageOf(source))),
    EditorState.transactionExtender.of((transaction) => {
      if (!transaction.docChanged) return null;
      const before = languageOf(transaction.startState.doc);
      const after = languageOf(transaction.newDoc);
      return before === after ? null : { effects: compartment.reconfigure(chosen(after)) };
    }),
  ];
}
