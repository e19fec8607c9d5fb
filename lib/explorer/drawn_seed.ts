// Which drawn faces the explorer shows: 70 from this seed, then 70 from the next one, and so on. Server
// and page draw the same faces.

/** The seed of the first 70 faces. */
export const DRAWN_SEED = 2013;
