import { throwIfAborted } from '#sluice/errors.js';

/** Holds back the calls that come to it until it is opened. */
export class Gate {
  readonly opened: Promise<void>;
  #open: () => void = () => {};
  /** Calls that have arrived. */
  arrived = 0;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }
}

type Script = { error: unknown } | { gate: Gate };

/**
 * The places of a store's adapters at which a test can fail a call or hold it back. All calls are
 * written down in one list, so that a test can look at their order.
 */
export class Hooks {
  readonly calls: string[] = [];
  readonly #scripts = new Map<string, Script[]>();

  /** The next `times` calls at this place fail. */
  fail(place: string, error: unknown, times = 1): void {
    for (let time = 0; time < times; time += 1) this.#script(place, { error });
  }

  /** The next call at this place waits until the gate is opened, or its signal fires. */
  hold(place: string): Gate {
    const gate = new Gate();
    this.#script(place, { gate });
    return gate;
  }

  /** What was scripted for this place and has not happened, will not. */
  clear(place: string): void {
    this.#scripts.delete(place);
  }

  /** A synchronous place: only failures can be scripted. */
  now(place: string, detail = ''): void {
    this.calls.push(detail === '' ? place : `${place} ${detail}`);
    const script = this.#take(place);
    if (script === undefined) return;
    if ('gate' in script) throw new TypeError(`${place} is synchronous, it can't be held back`);
    throw script.error;
  }

  /** An asynchronous place. */
  async pass(place: string, detail = '', signal?: AbortSignal): Promise<void> {
    this.calls.push(detail === '' ? place : `${place} ${detail}`);
    const script = this.#take(place);
    if (script !== undefined && 'error' in script) throw script.error;
    if (script !== undefined) await waitAt(script.gate, signal);
    if (signal !== undefined) throwIfAborted(signal);
  }

  /** How often a place was passed. */
  count(place: string): number {
    return this.calls.filter((call) => call === place || call.startsWith(`${place} `)).length;
  }

  #script(place: string, script: Script): void {
    this.#scripts.set(place, [...(this.#scripts.get(place) ?? []), script]);
  }

  #take(place: string): Script | undefined {
    return this.#scripts.get(place)?.shift();
  }
}

async function waitAt(gate: Gate, signal: AbortSignal | undefined): Promise<void> {
  gate.arrived += 1;
  if (signal === undefined) {
    await gate.opened;
    return;
  }
  let onAbort = () => {};
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) resolve();
  });
  await Promise.race([gate.opened, aborted]);
  signal.removeEventListener('abort', onAbort);
}
