// Whole stores with one fault each, which shows when they run on the core.
import { updateHandlerSuite } from 'sluice/testing';
import { type KvStoreAdapters, kvOperations, kvSegments, StorePlace } from './places.js';
import { rejects } from './rejected.js';

function broken(
  what: string,
  clause: string,
  change: (adapters: KvStoreAdapters) => Partial<KvStoreAdapters>,
): void {
  const factory = () => {
    const place = new StorePlace(kvSegments());
    const adapters = () => {
      const good = place.adapters();
      return { ...good, ...change(good) };
    };
    return {
      adapters,
      crash: (how: 'kill' | 'powerCut') => place.crash(how),
      failWrite: (options: { stored: boolean }) => place.failWrite(options),
    };
  };
  const supports = { kill: true, powerCut: true, failedWrites: true, refused: true };
  const operations = kvOperations;
  rejects(what, clause, (test) => {
    updateHandlerSuite({
      ...{ factory, operations, supports },
      test: (name, body) => {
        if (name.startsWith('the store on the core: ')) test(name, body);
      },
    });
  });
}

/** The same object, but for some methods. */
function instead<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      if (name in methods) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

broken(
  'lets operations take effect after their answer',
  'what is answered has taken effect, and nothing else has',
  ({ segments }) => ({
    segments: instead(segments, {
      apply: (opNum, operation) => {
        setTimeout(() => segments.apply(opNum, operation), 5);
        return 1;
      },
    }),
  }),
);

broken(
  'swallows its refusals',
  'a refused operation is told to its caller, and has no effect',
  ({ segments }) => ({
    segments: instead(segments, {
      apply: (opNum, operation) =>
        operation.type === 'insert' ? 0 : segments.apply(opNum, operation),
    }),
  }),
);

broken(
  'forgets its last record when it is opened',
  'what was answered survives the death of the process',
  ({ wal }) => ({
    wal: instead(wal, {
      open: async () => {
        const state = await wal.open();
        return { ...state, last: Math.max(state.acked, state.last - 1) };
      },
    }),
  }),
);
