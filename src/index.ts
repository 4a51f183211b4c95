export * from './errors.js';
export type * from './services/ports.js';
export type * from './types.js';
