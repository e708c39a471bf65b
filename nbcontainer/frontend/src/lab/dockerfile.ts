// Highlights a Dockerfile: flags, variables, heredocs, comments, directives. JupyterLab's own mode highlights only the
// instructions. The rules are those of BuildKit's frontend/dockerfile/parser.

import type { StreamParser, StringStream } from '@codemirror/language';
import { continuedAt, escapeOf, read, start, type Heredoc, type LinesState } from './dockerfile_lines';
import words from './words.json';

const INSTRUCTIONS = new Set(words.dockerfile.instructions.map((instruction) => instruction.name));
const WITH_KEYS = new Set(['ENV', 'ARG', 'LABEL']);
const WITH_HEREDOCS = new Set(['RUN', 'COPY', 'ADD']);

export interface DockerfileState {
  lines: LinesState;
  /** The instruction of this logical line; "" until it is read. */
  instruction: string;
  flags: boolean;
  /** The heredoc that this line belongs to. */
  body: Heredoc | undefined;
  quote: string;
  /** Where this line's escape character is, if it is continued; or -1. */
  end: number;
}

function startOfLine(stream: StringStream, state: DockerfileState): string | null | undefined {
  const { open, heredocs } = state.lines;
  const role = read(state.lines, stream.string);
  state.body = role === 'heredoc' ? heredocs[0] : undefined;
  state.end = role === 'instruction' ? continuedAt(stream.string, escapeOf(state.lines)) : -1;
  if (role === 'instruction' && !open) {
    state.instruction = '';
    state.quote = '';
  }
  const isEnd = role === 'heredoc' && state.lines.heredocs.length < heredocs.length;
  if (!isEnd && role !== 'directive' && role !== 'comment') return undefined;
  stream.skipToEnd();
  return isEnd ? 'labelName' : role === 'directive' ? 'meta' : 'comment';
}

function instruction(stream: StringStream, state: DockerfileState): string | null {
  const found = stream.match(/^[A-Za-z]+/) as RegExpMatchArray | null;
  if (!found) {
    stream.next();
    state.instruction = '?';
    return null;
  }
  const word = found[0].toUpperCase();
  const known = INSTRUCTIONS.has(word);
  // an unfinished word at the end of the line is still being typed, not invalid
  const unfinished =
    (stream.eol() || stream.pos === state.end) && [...INSTRUCTIONS].some((name) => name.startsWith(word));
  state.instruction = word === 'ONBUILD' ? '' : word;
  state.flags = known;
  return known || unfinished ? 'keyword' : 'invalid';
}

function argument(stream: StringStream, state: DockerfileState): string | null {
  if (state.quote) return quoted(stream, state);
  if (state.flags && stream.match(/^--[A-Za-z][\w-]*/)) return 'attributeName';
  if (stream.pos === state.end) {
    stream.skipToEnd();
    return 'operator';
  }
  if (stream.peek() === escapeOf(state.lines)) {
    stream.next();
    stream.next();
    return 'string.special';
  }
  if (stream.match(/^\{\{.*?\}\}/)) return 'variableName.special'; // a Python variable
  if (stream.match(/^\$\{[^}]*\}|^\$\w+|^\$\$/)) return 'variableName.special';
  if (WITH_HEREDOCS.has(state.instruction)) {
    if (stream.match(/^<<-?\s*(["']?)[A-Za-z_][\w.]*\1/)) return 'labelName';
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
    if (stream.pos === state.end) {
      stream.skipToEnd();
      return 'string';
    }
    const character = stream.next();
    if (character === escapeOf(state.lines)) {
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
  if (heredoc?.expands && stream.match(/^\$\{[^}]*\}|^\$\w+/)) return 'variableName.special';
  stream.next();
  if (heredoc?.expands) stream.match(/^[^$]+/);
  else stream.skipToEnd();
  return 'string';
}

export const dockerfile: StreamParser<DockerfileState> = {
  name: 'nbcontainer-dockerfile',
  startState: () => ({
    lines: start(),
    instruction: '',
    flags: false,
    body: undefined,
    quote: '',
    end: -1,
  }),
  copyState: (state) => ({ ...state, lines: { ...state.lines } }),
  blankLine: (state) => void read(state.lines, ''),
  token(stream, state) {
    if (stream.sol()) {
      const style = startOfLine(stream, state);
      if (style !== undefined) return style;
    }
    if (state.body) return body(stream, state.body);
    if (!state.quote && stream.eatSpace()) return null;
    return state.instruction ? argument(stream, state) : instruction(stream, state);
  },
  languageData: { commentTokens: { line: '#' } },
};
