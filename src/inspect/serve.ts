import { SluiceError } from '../errors.js';
import { type Clock, systemClock, type TimerHandle } from '../services/clock.js';
import {
  booleanOption,
  checkOptions,
  functionOption,
  numberOption,
  type OptionChecks,
  objectWith,
} from '../services/option-checks.js';
import { Hub, type Listener } from './hub.js';
import { type InspectMessage, startMessage } from './messages.js';
import { type PageServer, servePage } from './page-server.js';
import { storeFacts } from './store-facts.js';
import { SystemObserver } from './system-observer.js';
import { type InspectedStore, type InspectTarget, inspectedOf } from './target.js';

/** How often a store is looked at. Milliseconds. */
const LOOK_MS = 500;

/** Options of `serveInspector`. */
export interface ServeInspectorOptions {
  /** 0: any that is free. @default 0 */
  port?: number;
  /** Buttons that act on the store: trigger, flush, cancel an optimization. @default false */
  allowControl?: boolean;
  /** Shown at the top of the page. @default the name of the root actor */
  title?: string;
  /** Called with each message, before anything is left out for pages. @default nobody */
  onMessage?: (message: InspectMessage) => void;
  /** @default the machine's time */
  clock?: Clock;
}

const CHECKS: OptionChecks<ServeInspectorOptions> = {
  port: numberOption({ whole: true, min: 0, max: 65_535 }),
  allowControl: booleanOption,
  title: (value) => String(value),
  onMessage: functionOption<(message: InspectMessage) => void>(),
  clock: objectWith<Clock>('a Clock', ['now', 'setTimeout', 'clearTimeout']),
};

/**
 * Serves a page on 127.0.0.1 that shows a running system: its actors, their charts with the active
 * states lit, the events between them, and of a store its segments, log, optimizations and status.
 * It needs no internet. Until it is closed, each event of the system costs some microseconds more.
 * Errors: `SLUICE_BAD_OPTION`, `SLUICE_IO` when the port can't be had; a `TypeError`.
 *
 * @example
 * const inspector = await serveInspector(films);
 * console.log(inspector.url); // http://127.0.0.1:41235/Jb0…/
 * await inspector.close();
 */
export async function serveInspector(
  target: InspectTarget,
  options?: ServeInspectorOptions,
): Promise<PageServer> {
  const { root, store } = inspectedOf(target);
  const checked = checkOptions<ServeInspectorOptions>(options, CHECKS);
  const { port = 0, allowControl = false, clock = systemClock, onMessage } = checked;
  const start = startMessage(clock, checked.title ?? root.id);
  onMessage?.(start);
  const hub = new Hub(clock, start);
  const publish = (message: InspectMessage) => {
    onMessage?.(message);
    hub.publish(message);
  };
  const control = allowControl && store !== undefined ? controlOf(store) : undefined;
  const listen = (listener: Listener) => hub.listen(listener);
  const page = await servePage({ listen, control }, port);
  const detach = new SystemObserver(clock, publish).attach(root);
  const stopLooking = store === undefined ? () => {} : look(store, clock, publish);
  return {
    url: page.url,
    close: async () => {
      detach();
      stopLooking();
      hub.flush();
      await page.close();
    },
  };
}

/** Looks at a store again and again; returns what ends that. */
export function look(
  store: InspectedStore,
  clock: Clock,
  publish: (message: InspectMessage) => void,
): () => void {
  let timer: TimerHandle;
  const next = () => {
    publish(storeFacts(store, clock.now()));
    timer = clock.setTimeout(next, LOOK_MS);
  };
  next();
  return () => clock.clearTimeout(timer);
}

function controlOf(store: InspectedStore): (command: readonly string[]) => Promise<void> {
  return async ([command, argument]) => {
    if (command === 'trigger') return store.trigger();
    if (command === 'flush') return store.flush();
    if (command === 'cancel' && store.cancelOptimization(Number(argument))) return;
    throw new SluiceError('SLUICE_NOT_FOUND', 'there is nothing of that kind to be done now');
  };
}
