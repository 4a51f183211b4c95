import type { SegmentFacts, StoreMessage } from '../../src/inspect/messages.js';
import { countText, sizeText } from '../text.js';

/** The segments as blocks: the larger the more data, red as much of it as is deleted. */
export function Segments({ store }: { store: StoreMessage }) {
  const { segments, segmentCount } = store;
  const weights = segments.map(({ bytes, points, deleted = 0 }) => bytes ?? points + deleted);
  const largest = Math.max(...weights, 1);
  return (
    <section aria-labelledby="segments">
      <h2 id="segments">
        Segments <span class="state">{countText(segmentCount)}</span>
      </h2>
      <ul class="segments">
        {segments.map((segment, at) => (
          <Block key={segment.id} segment={segment} share={(weights[at] ?? 0) / largest} />
        ))}
      </ul>
      {segmentCount > segments.length && (
        <p class="about">and {countText(segmentCount - segments.length)} more</p>
      )}
    </section>
  );
}

function Block({ segment, share }: { segment: SegmentFacts; share: number }) {
  const { id, points, deleted = 0, bytes, indexed, appendable, frozen } = segment;
  const rows = Math.max(points + deleted, 1);
  const marks = [
    ...(indexed ? ['indexed'] : []),
    ...(appendable ? ['appendable'] : []),
    ...(frozen ? ['being optimized'] : []),
  ];
  // Areas, not widths, are compared; the smallest must still hold its text.
  const width = `${Math.round(96 + 110 * Math.sqrt(share))}px`;
  return (
    <li class={marks.join(' ')} style={{ width }}>
      <span class="name">{id}</span> <span class="points">{countText(points)} points</span>
      <svg class="rows" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="4" />
        <rect class="live" width={(points / rows) * 100} height="4" />
        <rect class="deleted" x={(points / rows) * 100} width={(deleted / rows) * 100} height="4" />
      </svg>
      <span class="more">
        {[
          ...(bytes === undefined ? [] : [sizeText(bytes)]),
          ...(deleted === 0 ? [] : [`${Math.round((deleted / rows) * 100)}% deleted`]),
          ...marks,
        ].join(' · ')}
      </span>
    </li>
  );
}
