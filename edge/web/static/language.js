// The words of the page's language. The node writes WORDS from its table; a part of a page asks for them by key.

import { WORDS } from "./words.js";

export const LANGUAGE = document.documentElement.lang;
const table = WORDS[LANGUAGE];

/** The word of a key, with the values that stand in its braces. */
export const t = (key, values = {}) => table[key].replace(/\{([a-z]+)\}/g, (whole, name) => values[name] ?? whole);

/** The word of a state, a reason or a queue; one of somebody's own scenario has its name. */
export function named(section, name) {
  const own = name.replaceAll("_", " ");
  return table[`${section}.${name}`] ?? own.charAt(0).toUpperCase() + own.slice(1);
}

export const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString(LANGUAGE));

/** A length of time for people. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  for (const [unit, size] of [["days", 86400], ["hours", 3600], ["minutes", 60]]) if (seconds >= 2 * size) return t(`unit.${unit}`, { count: Math.floor(seconds / size) });
  return t("unit.seconds", { count: Math.round(seconds) });
}
