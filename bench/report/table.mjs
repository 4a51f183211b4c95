// The report as a Markdown table.
import { SUBJECTS } from '../subjects.mjs';

const HEAD = ['work', 'Sluice', 'reference', 'ratio', 'aim', ''];

export function tableOf(results) {
  const rows = results.map(({ work, sluice, reference, ratio, target, reached }) => [
    work,
    figureText(sluice),
    reference === undefined ? '–' : `${nameOf(reference.subject)} ${figureText(reference)}`,
    ratio === undefined ? '–' : ratio.toFixed(2),
    target,
    reached ? 'reached' : 'not reached',
  ]);
  const lines = [HEAD, HEAD.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Who doesn't sync, or keeps nothing but ids, is marked. */
function nameOf(subject) {
  const { syncs = true, idsOnly = false } = SUBJECTS[subject] ?? {};
  if (idsOnly) return `${subject} (ids only)`;
  return syncs ? subject : `${subject} (not synced)`;
}

function figureText({ median, least, most }) {
  const text = numberText(median);
  return least === most ? text : `${text} [${numberText(least)}..${numberText(most)}]`;
}

/** Three digits that matter. */
export function numberText(value) {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)}M`;
  if (value >= 1e4) return `${(value / 1e3).toPrecision(3)}k`;
  return String(Number(value.toPrecision(3)));
}
