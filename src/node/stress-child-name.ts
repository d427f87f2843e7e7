/** The hidden first argument with which tablewalk starts itself. In a file of its own, for a quick start. */
export const STRESS_CHILD = '__iova-stress-child';
