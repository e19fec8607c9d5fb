// Which drawn faces the explorer shows: 70 of this seed, then 70 of the next one, and so on. Server
// and page draw the same.

/** The seed of the first 70 faces. */
export const DRAWN_SEED = 2013;
