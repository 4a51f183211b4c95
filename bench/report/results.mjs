// From single measurements to the rows of the report.
import { median } from '../measure.mjs';

/**
 * For each row Sluice's figure, each reference's, and the ratio to the best of them. A ratio is the
 * median of those within one repetition, where both were measured one after the other.
 */
export function resultsOf(rows, measured) {
  return rows.flatMap((row) => {
    const series = (subject) => seriesOf(measured, row, subject);
    const own = series('sluice');
    if (own.size === 0) return [];
    const references = row.references.map((subject) => ({ subject, values: series(subject) }));
    const present = references.filter(({ values }) => values.size > 0);
    const best = present
      .map((reference) => ({ ...reference, figure: figureOf(reference.values) }))
      .sort((a, b) =>
        row.less ? a.figure.median - b.figure.median : b.figure.median - a.figure.median,
      )
      .at(0);
    if (row.references.length > 0 && best === undefined) return [];
    const ratios =
      best &&
      [...own].flatMap(([repetition, value]) => {
        const other = best.values.get(repetition);
        return other === undefined ? [] : [value / other];
      });
    const ratio = ratios && median(ratios);
    const { work, target, less, scenario, metric } = row;
    return {
      work,
      figure: `${scenario}.${metric}`,
      target,
      less,
      sluice: figureOf(own),
      reference: best && { subject: best.subject, ...best.figure },
      others: present.map(({ subject, values }) => ({ subject, ...figureOf(values) })),
      ratio,
      reached: isReached(target, ratio ?? figureOf(own).median),
    };
  });
}

function seriesOf(measured, { scenario, metric }, subject) {
  const own = measured.filter((one) => one.name === scenario && one.subject === subject);
  const values = own.map(({ repetition, figures }) => [repetition, figures[metric]]);
  return new Map(values.filter(([, value]) => typeof value === 'number'));
}

function figureOf(values) {
  const all = [...values.values()];
  return { median: median(all), least: Math.min(...all), most: Math.max(...all) };
}

function isReached(target, value) {
  const [sign, limit] = target.split(' ');
  return sign === '≥' ? value >= Number(limit) : value <= Number(limit);
}
