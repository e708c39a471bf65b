// Decides a cell's language and highlights it: line 1 is the magic's, the rest the inner language's.

import { LanguageSupport, StreamLanguage, type StreamParser, type StringStream } from '@codemirror/language';
import { yaml } from '@codemirror/legacy-modes/mode/yaml';
import { Compartment, EditorState, Prec, type Extension, type Text } from '@codemirror/state';
import { dockerfile } from './dockerfile';

export type Language = 'dockerfile' | 'yaml' | 'magics' | 'text';

const CELL_MAGIC = /^\s*%%(dockerfile|kube|docker|kpod)(?!\w)/;
const LINE_MAGIC = /^\s*%(?:docker|kpod|kube|nbcontainer)(?!\w)/;
const MAX_LINES = 100; // of a cell with nothing but line magics
const HEAD = 400; // characters within which a magic must start

interface MagicState {
  /** The magic line is being read. */
  first: boolean;
  seen: boolean;
  inner: unknown;
}

/** One token of a line such as `%docker push {{image}}`. */
function magicToken(stream: StringStream): string | null {
  if (stream.eatSpace()) return null;
  if (stream.match(/^%%?\w+/)) return 'meta';
  if (stream.match(/^--?[A-Za-z][\w-]*(?=[\s=]|$)/)) return 'attributeName';
  if (stream.match(/^\{\{.*?\}\}/)) return 'variableName.special';
  if (stream.match(/^"[^"]*"?|^'[^']*'?/)) return 'string';
  if (/^\s*%%?\w+\s+$/.test(stream.string.slice(0, stream.pos)) && stream.match(/^[a-z]+(?=\s|$)/))
    return 'keyword';
  stream.match(/^[^\s"'{=]+/) || stream.next();
  return null;
}

/** A cell with nothing but our line magics. */
const magics: StreamParser<null> = {
  name: 'nbcontainer-magics',
  token(stream) {
    if (/^\s*#/.test(stream.string)) {
      stream.skipToEnd();
      return 'comment';
    }
    return magicToken(stream);
  },
  languageData: { commentTokens: { line: '#' } },
};

/** What `%%docker run` and `%%kpod exec` pass to a program: it may be anything. */
const text: StreamParser<null> = {
  name: 'text',
  token(stream) {
    stream.skipToEnd();
    return null;
  },
};

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
        if (stream.match(/^%%/, false)) state.seen = true;
        return magicToken(stream);
      },
      blankLine(state, unit) {
        if (!state.first || state.seen) inner.blankLine?.(state.inner as Inner, unit);
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
  magics: new LanguageSupport(StreamLanguage.define(magics)),
  text: withMagicLine(text),
};

const INNER: Record<string, Language> = {
  dockerfile: 'dockerfile',
  kube: 'yaml',
  docker: 'text',
  kpod: 'text',
};

/** The language of a cell's text; null if it is not ours. */
export function languageOf(source: string | Text): Language | null {
  const head = typeof source === 'string' ? source.slice(0, HEAD) : source.sliceString(0, HEAD);
  const name = CELL_MAGIC.exec(head)?.[1];
  if (name !== undefined) return INNER[name] ?? null;
  if (!/^\s*[%#]/.test(head)) return null; // most cells
  // a single line of Python makes it a Python cell
  const lines = source.toString().split('\n', MAX_LINES);
  const ours = lines.every((line) => LINE_MAGIC.test(line) || /^\s*(#|$)/.test(line));
  return ours && lines.length < MAX_LINES && lines.some((line) => LINE_MAGIC.test(line)) ? 'magics' : null;
}

/** Highlights a cell as long as it is one of ours, switching while the user types. */
export function magicCells(source: string, extras: Partial<Record<Language, Extension>>): Extension {
  const compartment = new Compartment();
  const chosen = (language: Language | null): Extension =>
    // takes precedence over the notebook's own language, which stays configured for all other cells
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
