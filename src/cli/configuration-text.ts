import { field, sizeText, valueText } from './text.js';

/** What null and 0 stand for where they are not just numbers; see `OptimizerOptions`. */
const MEANINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  defaultSegmentNumber: { 0: 'auto' },
  maxSegmentSizeKb: { null: 'auto' },
  indexingThresholdKb: { null: '20000 (19.5 MB)', 0: 'never' },
  maxIndexingThreads: { 0: 'auto' },
  maxOptimizationThreads: { null: 'all', 0: '0 (disabled)' },
};

/** As wide as the longest name, `vacuumMinVectorNumber`, with its indentation. */
const WIDTH = 24;

/** A configuration, one option a line; groups of options are indented below their names. */
export function configurationLines(configuration: object): string[] {
  return Object.entries(configuration).flatMap(([key, value]) => {
    if (typeof value !== 'object' || value === null)
      return field(key, optionText(key, value), WIDTH);
    const options = Object.entries(value);
    return [key, ...options.map(([name, option]) => optionLine(name, option))];
  });
}

function optionLine(name: string, value: unknown): string {
  return field(`  ${name}`, optionText(name, value), WIDTH);
}

function optionText(name: string, value: unknown): string {
  const meaning = MEANINGS[name]?.[String(value)];
  if (meaning !== undefined) return meaning;
  if (typeof value === 'number' && name.endsWith('Kb')) {
    return `${value} (${sizeText(value * 1024)})`;
  }
  return valueText(value);
}
