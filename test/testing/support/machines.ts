import { assign, fromPromise, setup } from 'xstate';

const meantToBeHeld = fromPromise<string>(() => Promise.reject(new Error('it must be held')));

/** Loads something, with patience and pauses; small, but with all that a graph is made of. */
export const fetchMachine = setup({
  types: {
    context: {} as { result: string | null },
    events: {} as { type: 'Fetch' } | { type: 'Stop' },
  },
  actors: { load: meantToBeHeld },
  delays: { patience: 1000, pause: 50 },
  actions: { forget: assign({ result: null }) },
}).createMachine({
  id: 'fetch',
  context: { result: null },
  initial: 'idle',
  states: {
    idle: { on: { Fetch: { target: 'loading' }, Stop: { target: 'stopped' } } },
    loading: {
      entry: 'forget',
      on: { Stop: { target: 'stopped' } },
      after: { patience: { target: 'failed' } },
      invoke: {
        id: 'load',
        src: 'load',
        onDone: { target: 'idle', actions: assign({ result: ({ event }) => event.output }) },
        onError: { target: 'failed' },
      },
    },
    failed: {
      on: { Stop: { target: 'stopped' } },
      after: { pause: { target: 'loading' } },
    },
    stopped: { type: 'final' },
  },
});
