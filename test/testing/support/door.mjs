// The machine of docs/testing.md, with an effect and a delay.
import { assign, fromPromise, setup } from 'xstate';

export const door = setup({
  actors: { unlock: fromPromise(async () => 'green') },
  delays: { closing: 3000 },
}).createMachine({
  id: 'door',
  context: { light: 'off' },
  initial: 'closed',
  states: {
    closed: { on: { Knock: 'unlocking', Stop: 'stopped' } },
    unlocking: {
      on: { Stop: 'stopped' },
      invoke: {
        id: 'unlock',
        src: 'unlock',
        onDone: { target: 'open', actions: assign({ light: ({ event }) => event.output ?? 'on' }) },
        onError: 'closed',
      },
    },
    open: { on: { Stop: 'stopped' }, after: { closing: 'closed' } },
    stopped: { type: 'final' },
  },
});
