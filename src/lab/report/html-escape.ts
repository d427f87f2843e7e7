/**
 * The only ways by which text enters the page. A trace may be hostile: task names, file names and skipped lines are
 * whatever their writer liked.
 */
import { printable } from '../../base/result.ts';

/** Longer texts than this are cut; nothing that we write ourselves comes near. */
const longestText = 4000;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For element content and for attribute values in quotes. Control and direction characters become visible. */
export function escapeHtml(text: string): string {
  return printable(text, longestText).replace(/[&<>"']/g, (char) => entities[char] ?? '');
}

/** JSON that can stand inside a script element: nothing in it can close the element or open a comment. */
export function escapeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Our own scripts and style sheets, inlined: the texts `</script` and `<!--` in them must not change how they are read. */
export function escapeRawText(text: string, element: 'script' | 'style'): string {
  return text.replace(new RegExp(`<(?=/${element}|!--)`, 'gi'), element === 'script' ? '\\x3c' : '\\3c ');
}

/** Links that we write lead to https pages only. */
export function safeLink(address: string): string | null {
  return /^https:\/\/[^\s"'<>]+$/.test(address) ? address : null;
}
