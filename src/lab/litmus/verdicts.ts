export const VERDICTS: readonly string[] = [];
