import type { Clock, TimerHandle } from '../services/clock.js';
import type { EventMessage, InspectMessage, StartMessage, StoreMessage } from './messages.js';

/** Events that a viewer who comes late still gets. */
const EVENTS_KEPT = 300;
/** Looks at the store that such a viewer gets, for the plot of the last minutes. */
const LOOKS_KEPT = 600;
/** How long messages are gathered: viewers draw ten times a second at most. Milliseconds. */
const BATCH_MS = 100;
/** Events of one batch that are passed on; more only count. */
const EVENTS_A_BATCH_MAX = 300;

/** Gets messages, several at once. */
export type Listener = (batch: readonly InspectMessage[]) => void;

/**
 * Passes messages on in batches, and keeps what tells a newcomer how things stand. However many
 * messages come, a batch is small: of an actor's states it has the last one, of events the last.
 */
export class Hub {
  readonly #clock: Clock;
  readonly #start: StartMessage;
  readonly #listeners = new Set<Listener>();
  /** What is known of each actor that has not ended, and of all charts. */
  readonly #known = new Map<string, InspectMessage>();
  #events: EventMessage[] = [];
  #looks: StoreMessage[] = [];
  #batch: InspectMessage[] = [];
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, start: StartMessage) {
    this.#clock = clock;
    this.#start = start;
  }

  /** Passes a message on, soon. */
  readonly publish = (message: InspectMessage): void => {
    this.#keep(message);
    if (this.#listeners.size === 0) return;
    this.#batch.push(message);
    // A flood must not fill the memory before the timer gets its turn.
    if (this.#batch.length >= 20 * EVENTS_A_BATCH_MAX) this.#batch = condense(this.#batch);
    this.#timer ??= this.#clock.setTimeout(() => this.flush(), BATCH_MS);
  };

  /** Adds a listener, which first gets how things stand; returns what ends it. */
  listen(listener: Listener): () => void {
    // What is gathered now is part of how things stand: the newcomer must not get it twice.
    this.flush();
    listener([this.#start, ...this.#known.values(), ...this.#looks, ...this.#events]);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Passes on what has been gathered. */
  flush(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = condense(this.#batch.splice(0));
    if (batch.length === 0) return;
    for (const listener of this.#listeners) listener(batch);
  }

  #keep(message: InspectMessage): void {
    switch (message.type) {
      case 'chart':
        this.#known.set(`chart ${message.chart}`, message);
        break;
      case 'actor':
        this.#known.set(`actor ${message.actor}`, message);
        break;
      case 'state':
        if (message.status === 'active') this.#known.set(`state ${message.actor}`, message);
        else for (const what of ['actor', 'state']) this.#known.delete(`${what} ${message.actor}`);
        break;
      case 'event':
        this.#events.push(message);
        if (this.#events.length > 2 * EVENTS_KEPT) this.#events = this.#events.slice(-EVENTS_KEPT);
        break;
      case 'store': {
        const former = this.#looks.pop();
        // Of what was, the plot needs the counts alone; segments are many.
        if (former !== undefined) this.#looks.push({ ...former, segments: [], completed: [] });
        this.#looks.push(message);
        if (this.#looks.length > 2 * LOOKS_KEPT) this.#looks = this.#looks.slice(-LOOKS_KEPT);
        break;
      }
    }
  }
}

/** What remains of many messages: the last state of each actor, the last look, the last events. */
function condense(messages: readonly InspectMessage[]): InspectMessage[] {
  let events = messages.filter(({ type }) => type === 'event').length;
  if (events <= EVENTS_A_BATCH_MAX) return [...messages];
  const lastStates = new Map<string, InspectMessage>();
  for (const one of messages) if (one.type === 'state') lastStates.set(one.actor, one);
  let dropped = 0;
  const kept = messages.filter((one) => {
    if (one.type === 'state') return lastStates.get(one.actor) === one;
    if (one.type === 'dropped') {
      dropped += one.events;
      return false;
    }
    if (one.type !== 'event') return true;
    events -= 1;
    if (events < EVENTS_A_BATCH_MAX) return true;
    dropped += 1;
    return false;
  });
  const at = messages[0]?.at ?? 0;
  return [{ type: 'dropped', at, events: dropped }, ...kept];
}
