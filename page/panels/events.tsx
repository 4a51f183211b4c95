import { useState } from 'preact/hooks';
import { eventName } from '../../src/charts/definition.js';
import type { ActorView, EventView, Model } from '../model.js';
import { countText, timeText } from '../text.js';
import { Scrolled } from './scrolled.js';

/** Rows that are drawn; there is a filter for the others. */
const ROWS_MAX = 100;

/** What XState tells an actor about itself. */
const INTERNAL = /^xstate\.(init|stop|promise\.)/;

/** The events, the newest first: filtered, and held still on demand. */
export function Events({ model, actor }: { model: Model; actor: ActorView | undefined }) {
  const [filter, setFilter] = useState('');
  const [isWhole, setWhole] = useState(false);
  const [isOnlyChosen, setOnlyChosen] = useState(false);
  const [held, setHeld] = useState<readonly EventView[]>();
  const events = held ?? model.events;
  const fits = (event: EventView) =>
    (isWhole || !INTERNAL.test(event.name)) &&
    (!isOnlyChosen || [event.to, event.source].includes(actor?.name ?? '')) &&
    (filter === '' || textOf(event).includes(filter.toLowerCase()));
  const rows = lastOf(events, ROWS_MAX, fits);
  return (
    <section class="events" aria-labelledby="events">
      <h2 id="events">
        Events <span class="state">{countText(model.eventCount)}</span>
      </h2>
      <div class="tools">
        <input
          type="search"
          aria-label="Filter events"
          placeholder="Filter"
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
        <button
          type="button"
          aria-pressed={held !== undefined}
          onClick={() => setHeld(held === undefined ? [...model.events] : undefined)}
        >
          Pause
        </button>
        <label>
          <input
            type="checkbox"
            checked={isOnlyChosen}
            onInput={({ currentTarget }) => setOnlyChosen(currentTarget.checked)}
          />
          only {actor?.name ?? 'chosen'}
        </label>
        <label>
          <input
            type="checkbox"
            checked={isWhole}
            onInput={({ currentTarget }) => setWhole(currentTarget.checked)}
          />
          internal ones too
        </label>
      </div>
      <Scrolled class="rows" label="Event list">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Event</th>
              <th scope="col">To</th>
              <th scope="col">With</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((event) => (
              <tr key={event.number}>
                <td class="time">{timeText(event.at)}</td>
                <td class="name">{eventName({ type: event.name })}</td>
                <td title={event.source === '' ? undefined : `from ${event.source}`}>{event.to}</td>
                <td class="data">{event.data === undefined ? '' : JSON.stringify(event.data)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
    </section>
  );
}

function textOf({ name, to, source, data }: EventView): string {
  const parts = [eventName({ type: name }), name, to, source, JSON.stringify(data ?? '')];
  return parts.join(' ').toLowerCase();
}

/** The last that fit, the newest first. */
function lastOf<T>(all: readonly T[], count: number, fits: (one: T) => boolean): T[] {
  const found: T[] = [];
  for (let at = all.length - 1; at >= 0 && found.length < count; at--) {
    const one = all[at];
    if (one !== undefined && fits(one)) found.push(one);
  }
  return found;
}
