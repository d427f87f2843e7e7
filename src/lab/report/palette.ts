/**
 * Colours, for the style sheet and for the canvas alike. Lines are the palette of Okabe and Ito (2008), which holds for
 * the common kinds of colour blindness; yellow is darkened on paper and blue lightened on black, for contrast.
 */

export interface Theme {
  readonly ink: string;
  readonly muted: string;
  readonly rule: string;
  readonly grid: string;
  readonly paper: string;
  readonly panel: string;
  readonly accent: string;
  readonly good: string;
  readonly bad: string;
  readonly warn: string;
  readonly lines: readonly string[];
}

export const lightTheme: Theme = {
  ink: '#1d1f22',
  muted: '#5c6066',
  rule: '#d9d6cf',
  grid: '#e7e4dd',
  paper: '#fcfbf8',
  panel: '#f4f2ec',
  accent: '#00609a',
  good: '#00694d',
  bad: '#b04400',
  warn: '#8a5d00',
  lines: ['#3b3f46', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#a89a00'],
};

export const darkTheme: Theme = {
  ink: '#e6e4df',
  muted: '#a0a3a8',
  rule: '#34383e',
  grid: '#292d33',
  paper: '#131518',
  panel: '#1b1e22',
  accent: '#7cc0ee',
  good: '#45c79c',
  bad: '#ff8f4d',
  warn: '#f0b429',
  lines: ['#c3c6cb', '#3d9bdc', '#f0722a', '#1fb98c', '#d98fb9', '#e69f00', '#7cc8f5', '#f0e442'],
};

/** After this many lines the colours come again. */
export const lineColors: number = lightTheme.lines.length;
