/**
 * Puts a switch before each step of a flow that could be left out (apart.mjs).
 */
const TAKES = { acquire: 'release', readLock: 'readUnlock', writeLock: 'writeUnlock' };
const GIVES = new Set(Object.values(TAKES));
const PAIRED = [
  [/_lock$/, '_unlock'],
  [/_disable$/, '_enable'],
  [/_begin$/, '_end'],
];
const FLUSH = /flush|invalidate|drain|sync/;
const REFERENCE = /(?:^|_)(?:get|put|grab|drop|mmget|mmput|mmgrab|mmdrop|ref|unref)(?:_|$)/;
/** What only looks, and what belongs to the model and not to the kernel. */
export const OBSERVES = /^(?:observe_|might_sleep$|current$|callEach$)/;

/** Puts switches into one flow. */
export class FlowCutter {
  constructor({ code, text }, within, add) {
    this.code = code;
    this.text = text;
    this.within = within;
    this.add = add;
    /** Sites of locks, by what is locked. */
    this.locks = new Map();
  }

  block(statements) {
    const units = unitsOf(statements);
    for (const [at, unit] of units.entries()) {
      const next = units[at + 1];
      const swap = next !== undefined && canSwap(unit, next) ? this.swapSite(unit, next) : null;
      unit.swapNext = swap;
      if (swap !== null) next.swapBefore = swap;
    }
    for (const [at, unit] of units.entries()) {
      const { swapBefore = null, swapNext } = unit;
      const [start, end] = spanOf(unit);
      // Outer switches first: what is appended later at the same place comes behind.
      if (swapBefore !== null) this.text.appendRight(start, `if (!$isCut(${swapBefore})) { `);
      if (swapNext !== null) {
        const raw = `${this.rawOf(units[at + 1])} ${this.rawOf(unit)}`;
        this.text.appendRight(start, `if ($cut(${swapNext})) { ${raw} } else { `);
      }
      const closing = (swapBefore === null ? '' : ' }') + (swapNext === null ? '' : ' }');
      for (const statement of unit.statements) this.statement(statement);
      if (closing !== '') this.text.appendRight(end, closing);
    }
  }

  swapSite(unit, next) {
    return this.add(
      'swap',
      unit.statements[0],
      this.within,
      `${tellingOf(unit, this.code)} <-> ${tellingOf(next, this.code)}`,
    );
  }

  rawOf(unit) {
    const [start, end] = spanOf(unit);
    return this.code.slice(start, end).replace(/\/\/[^\n]*/g, '');
  }

  statement(node) {
    if (node.type === 'ExpressionStatement') this.expression(node);
    else if (node.type === 'IfStatement') this.guard(node);
    else for (const inner of innerBlocks(node)) this.nested(inner);
  }

  nested(node) {
    if (node.type === 'BlockStatement') this.block(node.body);
    else this.block([node]);
  }

  /** Leaves a statement out. */
  omit(node, site) {
    this.text.appendRight(node.start, `if (!$cut(${site})) { `);
    this.text.appendLeft(node.end, ' }');
  }

  expression(node) {
    const { expression } = node;
    if (expression.type === 'YieldExpression' && !expression.delegate) {
      this.announcement(node, expression.argument);
      return;
    }
    const call = expression.type === 'YieldExpression' ? expression.argument : expression;
    const lock = this.lockCall(node, call);
    if (lock !== null) {
      if (lock !== undefined) this.omit(node, lock);
      return;
    }
    const kind = kindOf(expression, call, this.code);
    if (kind !== null) this.omit(node, this.add(kind, node, this.within));
  }

  /** `yield STEP;` */
  announcement(node, step) {
    if (step === null || step === undefined) return;
    const say = (site, instead = 'undefined') => {
      this.text.appendRight(step.start, `$cut(${site}) ? ${instead} : (`);
      this.text.appendLeft(step.end, ')');
    };
    if (step.type === 'Identifier') {
      if (step.name === 'MFENCE') say(this.add('fence', node, this.within));
      else if (step.name === 'LOCKED') say(this.add('locked', node, this.within));
      return;
    }
    if (step.type !== 'CallExpression') return;
    const method = step.callee.property?.name;
    if (method in TAKES || GIVES.has(method)) {
      const site = this.lockSite(node, this.code.slice(step.callee.object.start, step.callee.object.end), method);
      if (site !== null) say(site);
    } else if (step.callee.name === 'until') say(this.add('wait', node, this.within));
    else if (step.callee.name === 'untilAtomic') say(this.add('wait', node, this.within), '$ATOMIC');
  }

  /** One site for all places of a function that take and give back the same lock; null: it has none yet, and this gives it back. */
  lockSite(node, what, method) {
    const takes = method in TAKES;
    const key = `${what} ${takes ? TAKES[method] : method}`;
    if (takes && !this.locks.has(key))
      this.locks.set(key, this.add('lock', node, this.within, `${what}.${method} … ${TAKES[method]}`));
    return this.locks.get(key) ?? null;
  }

  /** The site of `this.NAME_lock(…)` and its pair; undefined: it gives back what was not taken here; null: it is no such call. */
  lockCall(node, call) {
    const name =
      call.type === 'CallExpression' && call.callee.object?.type === 'ThisExpression'
        ? call.callee.property.name
        : null;
    if (name === null) return null;
    for (const [takes, gives] of PAIRED) {
      if (takes.test(name)) {
        const other = name.replace(takes, gives);
        if (!this.locks.has(other)) this.locks.set(other, this.add('lock', node, this.within, `${name} … ${other}`));
        return this.locks.get(other);
      }
      if (name.endsWith(gives) && (this.locks.has(name) || gives === '_unlock')) return this.locks.get(name);
    }
    return null;
  }

  /** `if (stale) return;` is left out, `if (fresh) { … }` always done. */
  guard(node) {
    const { alternate, consequent, test } = node;
    // A look of the model's own at what must not be.
    if (consequent.type === 'ThrowStatement') return;
    if (alternate === null || alternate === undefined) {
      const leaves = isExit(consequent);
      const site = this.add(
        'guard',
        test,
        this.within,
        `if (${brief(this.code.slice(test.start, test.end))})${leaves ? ` ${brief(this.code.slice(consequent.start, consequent.end))}` : ' …'}`,
      );
      this.text.appendRight(test.start, leaves ? `!$cut(${site}) && (` : `$cut(${site}) || (`);
      this.text.appendLeft(test.end, ')');
    }
    this.nested(consequent);
    if (alternate) this.nested(alternate);
  }
}

function isExit(node) {
  if (node.type === 'BlockStatement') return node.body.length === 1 && isExit(node.body[0]);
  return ['ReturnStatement', 'ContinueStatement', 'BreakStatement', 'ThrowStatement'].includes(node.type);
}

/** Blocks of a loop, a try. */
function innerBlocks(node) {
  switch (node.type) {
    case 'ForStatement':
    case 'ForOfStatement':
    case 'ForInStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
      return [node.body];
    case 'BlockStatement':
      return [node];
    case 'TryStatement':
      return [node.block, node.handler?.body, node.finalizer].filter(Boolean);
    case 'SwitchStatement':
      return node.cases.map(({ consequent }) => ({ type: 'BlockStatement', body: consequent }));
    default:
      return [];
  }
}

/** What an expression statement does; null: nothing that could be left out. */
function kindOf(expression, call, code) {
  if (call.type === 'CallExpression') {
    const { callee } = call;
    const name = callee.property?.name ?? callee.name ?? '';
    const isOwn = callee.object?.type === 'ThisExpression' || expression.type === 'YieldExpression';
    if (OBSERVES.test(name)) return null;
    if (isOwn) return FLUSH.test(name) ? 'flush' : REFERENCE.test(name) ? 'reference' : 'call';
    return code.slice(callee.start, callee.end).includes('.') ? 'store' : null;
  }
  if (call.type === 'AssignmentExpression' || call.type === 'UpdateExpression') {
    return (call.left ?? call.argument).type === 'MemberExpression' ? 'store' : null;
  }
  return null;
}

/** Statements of a block as steps: each begins where something is announced or called. */
function unitsOf(statements) {
  const units = [];
  let unit = null;
  for (const statement of statements) {
    const isYield = statement.type === 'ExpressionStatement' && statement.expression.type === 'YieldExpression';
    const isPlain = statement.type === 'ExpressionStatement';
    // What follows `yield;` belongs to it; a declaration, a branch or a call through `yield*` stands for itself.
    const joins = unit?.isOpen === true && isPlain && !isYield;
    if (joins) unit.statements.push(statement);
    else {
      unit = { statements: [statement], isOpen: isYield && !statement.expression.delegate, isPlain };
      units.push(unit);
    }
  }
  return units;
}

function spanOf({ statements }) {
  return [statements[0].start, statements.at(-1).end];
}

function canSwap(unit, next) {
  if (!unit.isPlain || !next.isPlain) return false;
  // Nobody sees in which order a thread does what is its own.
  if (!isStep(unit) && !isStep(next)) return false;
  return !(isBare(unit) || isBare(next) || (isOfLock(unit) && isOfLock(next)) || isObserver(unit) || isObserver(next));
}

function isStep({ statements }) {
  return statements[0].expression.type === 'YieldExpression';
}

/** `yield;` with nothing behind it: what it announces is done by the declaration that follows. */
function isBare({ isOpen, statements }) {
  const step = statements[0].expression;
  return (
    isOpen &&
    statements.length === 1 &&
    (!step.argument || (step.argument.type === 'Identifier' && step.argument.name !== 'MFENCE'))
  );
}

function isOfLock({ isOpen, statements }) {
  const method = isOpen ? statements[0].expression.argument?.callee?.property?.name : undefined;
  return method !== undefined && (method in TAKES || GIVES.has(method));
}

function isObserver({ statements }) {
  return statements.length === 1 && OBSERVES.test(statements[0].expression.callee?.property?.name ?? '');
}

/** What of a step says what it does. */
function tellingOf({ isOpen, statements }, code) {
  const own = isOpen && statements.length > 1 ? statements.slice(1) : statements;
  return brief(own.map(({ end, start }) => code.slice(start, end)).join(' '));
}

/** As it stands in the source, on one line. */
export function brief(text) {
  return text
    .replace(/\s*\/\/[^\n]*/g, '')
    .replace(/\s+/g, ' ')
    .replace(/;$/, '')
    .trim();
}
