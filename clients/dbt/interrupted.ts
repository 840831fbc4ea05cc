/** Somebody pressed Ctrl-C: what ran was stopped in the warehouse, too. */
export class Interrupted extends Error {
  constructor() {
    super('Interrupted: what was running was stopped, what had ended is there');
  }
}
