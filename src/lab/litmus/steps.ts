/** What user code of many litmus tests does. */
import { Cell, type Flow, until, type World } from '../../base/index.ts';
import type { Device, DeviceFile, Task } from '../../kernel/index.ts';
import type { Machine } from './machine.ts';

/** Opens a device and maps its portal: the file. A bind that is refused fails the test. */
export function* opened(machine: Machine, tsk: Task, dev: Device = machine.device(), name?: string): Flow<DeviceFile> {
  const file = yield* tryOpen(machine, tsk, dev, name);
  if (typeof file === 'number') throw new Error(`${tsk.name} cannot open ${dev.name}: error ${file}`);
  return file;
}

/** The same, or the error of the bind. */
export function* tryOpen(
  machine: Machine,
  tsk: Task,
  dev: Device = machine.device(),
  name = `${tsk.name}'s file`,
): Flow<DeviceFile | number> {
  const { kernel } = machine;
  const file = yield* kernel.syscall(tsk, kernel.idxd_cdev_open(tsk, dev, { name }));
  if (typeof file === 'number') return file;
  yield* kernel.syscall(tsk, kernel.idxd_cdev_mmap(tsk, file));
  return file;
}

/** Unmaps the portal and closes the file: its last reference releases it. */
export function* closed(machine: Machine, tsk: Task, file: DeviceFile): Flow<void> {
  const { kernel } = machine;
  yield* kernel.syscall(tsk, kernel.munmap_portal(tsk, file));
  yield* kernel.syscall(tsk, kernel.filp_close(tsk.files!, file));
}

/** A file that one thread of a process opens, and others use when it is open. */
export class SharedFile {
  private readonly world: World;
  private readonly isOpen: Cell<number>;
  private file: DeviceFile | null = null;

  constructor(world: World) {
    this.world = world;
    this.isOpen = new Cell(world, 'open', 0);
  }

  *open(machine: Machine, tsk: Task): Flow<DeviceFile> {
    const file = yield* opened(machine, tsk);
    this.file = file;
    yield;
    this.isOpen.store(1);
    return file;
  }

  *whenOpen(): Flow<DeviceFile> {
    yield until(this.world, 'the file is open', () => this.isOpen.peek() === 1);
    return this.file!;
  }
}
