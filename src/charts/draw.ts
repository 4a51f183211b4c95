import type { AnyStateMachine } from 'xstate';
import { chartOf } from './chart.js';
import { configJson } from './config-json.js';
import { dot } from './dot.js';
import { markdown } from './markdown.js';
import { mermaid } from './mermaid.js';

/** The forms in which a machine can be drawn. */
export const FORMATS = ['mermaid', 'markdown', 'dot', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** A machine as a Mermaid state diagram, a page with one, in Graphviz, or as JSON for Stately Studio. */
export function draw(machine: AnyStateMachine, format: Format): string {
  if (format === 'json') return JSON.stringify(configJson(machine), undefined, 2);
  if (format === 'markdown') return markdown(machine);
  return (format === 'dot' ? dot : mermaid)(chartOf(machine));
}
