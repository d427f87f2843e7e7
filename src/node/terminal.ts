/** What a stream can show: colour, more than ASCII, and how wide it is. */

export interface StreamLike {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface Capabilities {
  readonly color: boolean;
  readonly unicode: boolean;
  readonly width: number;
}

/** For files and pipes, which have no width of their own. */
export const DEFAULT_WIDTH = 100;

export function capabilities(stream: StreamLike, env: Environment, wantColor: boolean): Capabilities {
  const tty = stream.isTTY === true;
  const dumb = env['TERM'] === 'dumb';
  // NO_COLOR counts when it is set and not empty (no-color.org).
  const color = wantColor && !env['NO_COLOR'] && tty && !dumb;
  const width = tty && stream.columns !== undefined && stream.columns > 0 ? stream.columns : DEFAULT_WIDTH;
  return { color, unicode: speaksUnicode(env), width };
}

/** A locale that names another character set, or the plain C one, is taken at its word; none at all says nothing. */
function speaksUnicode(env: Environment): boolean {
  if (env['TERM'] === 'linux') return false;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'];
  return !locale || /utf-?8/i.test(locale);
}
