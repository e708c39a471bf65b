// Highlights a Dockerfile: flags, variables, heredocs, comments, directives. JupyterLab's own mode highlights only the
// instructions. The rules are those of BuildKit's frontend/dockerfile/parser.

import type { StreamParser, StringStream } from '@codemirror/language';
import words from './words.json';

const INSTRUCTIONS = new Set(words.dockerfile.instructions.map((instruction) => instruction.name));
const WITH_KEYS = new Set(['ENV', 'ARG', 'LABEL']);
const WITH_HEREDOCS = new Set(['RUN', 'COPY', 'ADD']);

interface Heredoc {
  word: string;
  /** `<<-`: tabs before the end word are ignored. */
  tabs: boolean;
  variables: boolean;
}

export interface DockerfileState {
  /** Directives are only recognised before everything else. */
  directives: boolean;
  escape: string;
  /** The instruction of this logical line; "" until it is read. */
  instruction: string;
  flags: boolean;
  continued: boolean;
  heredocs: Heredoc[];
  /** This line belongs to the first heredoc. */
  body: boolean;
  quote: string;
}

function startOfLine(stream: StringStream, state: DockerfileState): string | null | undefined {
  const line = stream.string;
  const heredoc = state.heredocs[0];
  state.body = heredoc !== undefined && !state.continued;
  if (heredoc && state.body) {
    if ((heredoc.tabs ? line.replace(/^\t+/, '') : line) === heredoc.word) {
      state.heredocs.shift();
      stream.skipToEnd();
      return 'labelName';
    }
    return undefined;
  }
  if (/^\s*#/.test(line)) {
    const directive = /^\s*#\s*(syntax|escape|check)\s*=\s*(\S*)/i.exec(line);
    stream.skipToEnd();
    if (!directive || !state.directives) {
      state.directives = false;
      return 'comment';
    }
    if (directive[1]?.toLowerCase() === 'escape' && /^[\\`]$/.test(directive[2] ?? '')) {
      state.escape = directive[2] ?? '\\';
    }
    return 'meta';
  }
  if (!state.continued) {
    state.instruction = '';
    state.quote = '';
  }
  if (line.trim()) state.continued = false;
  return undefined;
}

function instruction(stream: StringStream, state: DockerfileState): string | null {
  state.directives = false;
  const found = stream.match(/^[A-Za-z]+/) as RegExpMatchArray | null;
  if (!found) {
    stream.next();
    state.instruction = '?';
    return null;
  }
  const word = found[0].toUpperCase();
  const known = INSTRUCTIONS.has(word);
  // an unfinished word at the end of the line is still being typed, not invalid
  const unfinished = stream.eol() && [...INSTRUCTIONS].some((name) => name.startsWith(word));
  state.instruction = word === 'ONBUILD' ? '' : word;
  state.flags = known;
  return known || unfinished ? 'keyword' : 'invalid';
}

function argument(stream: StringStream, state: DockerfileState): string | null {
  if (state.quote) return quoted(stream, state);
  if (state.flags && stream.match(/^--[A-Za-z][\w-]*/)) return 'attributeName';
  if (stream.peek() === state.escape) {
    stream.next();
    if (/^\s*$/.test(stream.string.slice(stream.pos))) {
      stream.skipToEnd();
      state.continued = true;
      return 'operator';
    }
    stream.next();
    return 'string.special';
  }
  if (stream.match(/^\{\{.*?\}\}/)) return 'variableName.special'; // a Python variable
  if (stream.match(/^\$\{[^}]*\}|^\$\w+|^\$\$/)) return 'variableName.special';
  if (WITH_HEREDOCS.has(state.instruction)) {
    const found = stream.match(/^<<(-?)\s*(["']?)([A-Za-z_][\w.]*)\2/) as RegExpMatchArray | null;
    if (found) {
      state.heredocs.push({ word: found[3] ?? '', tabs: found[1] === '-', variables: found[2] === '' });
      return 'labelName';
    }
  }
  const quote = stream.peek();
  if (quote === '"' || quote === "'") {
    stream.next();
    state.quote = quote;
    return quoted(stream, state);
  }
  if (state.instruction === 'FROM' && stream.match(/^as(?=\s)/i)) return 'keyword';
  if (WITH_KEYS.has(state.instruction) && stream.match(/^[\w.-]+(?==)/)) return 'propertyName';
  if (stream.match(/^(?:&&|\|\||[|;=])/)) return 'operator';
  if (stream.match(/^\d+(?=$|[\s/;&|)])/)) return 'number';
  state.flags = false;
  stream.match(/^[^\s"'$&|;=<{\\`]+/) || stream.next();
  return null;
}

function quoted(stream: StringStream, state: DockerfileState): string {
  while (!stream.eol()) {
    const character = stream.next();
    if (character === state.escape) {
      if (/^\s*$/.test(stream.string.slice(stream.pos))) {
        stream.skipToEnd();
        state.continued = true;
        return 'string';
      }
      if (state.quote === '"') stream.next();
    } else if (character === state.quote) {
      state.quote = '';
      break;
    } else if (character === '$' && state.quote === '"' && stream.pos - stream.start > 1) {
      stream.backUp(1);
      break;
    } else if (character === '$' && state.quote === '"') {
      stream.match(/^\{[^}]*\}|^\w+/);
      return 'variableName.special';
    }
  }
  return 'string';
}

/** A line of a heredoc: text, in which variables are expanded unless its word was quoted. */
function body(stream: StringStream, heredoc: Heredoc | undefined): string {
  if (heredoc?.variables && stream.match(/^\$\{[^}]*\}|^\$\w+/)) return 'variableName.special';
  stream.next();
  if (heredoc?.variables) stream.match(/^[^$]+/);
  else stream.skipToEnd();
  return 'string';
}

export const dockerfile: StreamParser<DockerfileState> = {
  name: 'nbcontainer-dockerfile',
  startState: () => ({
    directives: true,
    escape: '\\',
    instruction: '',
    flags: false,
    continued: false,
    heredocs: [],
    body: false,
    quote: '',
  }),
  copyState: (state) => ({ ...state, heredocs: [...state.heredocs] }),
  token(stream, state) {
    if (stream.sol()) {
      const style = startOfLine(stream, state);
      if (style !== undefined) return style;
    }
    if (state.body) return body(stream, state.heredocs[0]);
    if (!state.quote && stream.eatSpace()) return null;
    return state.instruction ? argument(stream, state) : instruction(stream, state);
  },
  languageData: { commentTokens: { line: '#' } },
};
