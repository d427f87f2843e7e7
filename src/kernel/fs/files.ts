/**
 * Open files and when they are released (fs/file.c, fs/file_table.c). The last fput queues the release as task work of the current task,
 * which runs when that returns to user mode, or at the end of its exit. A file outlives the process that opened it when another has
 * it too: fork, SCM_RIGHTS.
 */
import { type Flow, LOCKED } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import { type DeviceFile, type Files, openFiles, type Task } from '../objects.ts';
import { InvariantBroken } from '../observer.ts';

/** linux v6.6 fs/file_table.c: fput */
export function* fput(this: Kernel, file: DeviceFile): Flow<void> {
  yield LOCKED;
  const count = file.f_count.add(-1);
  if (count < 0) throw new InvariantBroken(`INV-8: ${file.name} is put down after it was 0`);
  if (count === 0) this.current().task_works.push(file);
}

/** linux v6.6 include/linux/fs.h: get_file */
export function* get_file(this: Kernel, file: DeviceFile): Flow<void> {
  yield LOCKED;
  file.f_count.add(1);
}

/** Another process gets the open file, by SCM_RIGHTS. Context: the receiver. linux v6.6 fs/file.c: receive_fd */
export function* receive_fd(this: Kernel, tsk: Task, file: DeviceFile): Flow<void> {
  yield* this.get_file(file);
  tsk.files!.fds.add(file);
}

/** linux v6.6 fs/open.c: close(2) */
export function* filp_close(this: Kernel, files: Files, file: DeviceFile): Flow<void> {
  files.fds.delete(file);
  yield* this.fput(file);
}

/** linux v6.6 fs/file.c: do_close_on_exec */
export function* do_close_on_exec(this: Kernel, files: Files): Flow<void> {
  for (const file of openFiles(files)) if (file.cloexec) yield* this.filp_close(files, file);
}

/** The last task that shares the table closes all of it. linux v6.6 fs/file.c: put_files_struct */
export function* put_files_struct(this: Kernel, files: Files): Flow<void> {
  yield LOCKED;
  if (files.count.add(-1) > 0) return;
  const all = openFiles(files);
  files.fds.clear();
  for (const file of all) yield* this.fput(file);
}

/** Runs what the last fputs of this task left to do. Context: may sleep, no locks held. linux v6.6 kernel/task_work.c: task_work_run */
export function* task_work_run(this: Kernel): Flow<void> {
  this.might_sleep('task_work_run');
  const { task_works } = this.current();
  for (let file = task_works.shift(); file !== undefined; file = task_works.shift()) yield* this.__fput(file);
}

/** linux v6.6 fs/file_table.c: __fput */
export function* __fput(this: Kernel, file: DeviceFile): Flow<void> {
  yield* this.idxd_cdev_release(file);
}
