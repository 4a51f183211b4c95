import type { Clause } from './protocol.js';

/** What a store promises to its callers when it runs on the core. */
export const handlerClauses = {
  allowed: { text: 'what a caller may do succeeds, and comes to an end' },
  order: { text: 'the order of a caller is the order of the log, and of the effects' },
  effect: { text: 'what is answered has taken effect, and nothing else has' },
  refused: {
    text: 'a refused operation is told to its caller, and has no effect',
    needs: ['refused'],
  },
  transient: { text: 'what fails for a while is tried again, and nothing overtakes it' },
  plunger: { text: 'a plunger is answered when everything before it has been' },
  flushed: { text: 'a flush commits everything that was answered before it' },
  acknowledge: { text: 'the log forgets nothing that no commit holds' },
  stopped: { text: 'what was answered is there after a stop, whatever was under way' },
  everywhere: { text: 'a stop ends well in every state that a store goes through' },
  killed: { text: 'what was answered survives the death of the process', needs: ['kill'] },
  power: { text: 'what was waited for survives a power cut', needs: ['powerCut'] },
  broken: {
    text: 'a failed write breaks the store, and loses nothing that was answered',
    needs: ['failedWrites'],
  },
  permits: {
    text: 'optimizations change nothing for readers, and give their permits back',
    needs: ['optimizers'],
  },
} as const satisfies Record<string, Clause>;

export type HandlerClause = keyof typeof handlerClauses;
