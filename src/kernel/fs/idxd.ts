/**
 * The character device of a shared work queue (drivers/dma/idxd/cdev.c): open binds the caller's mm to the device, release waits until the
 * device has no work of that PASID left and unbinds.
 */
import { Cell, type Flow, LOCKED, TestMistake, UNBUFFERED } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Device, DeviceFile, Task } from '../objects.ts';

/** The file, or a negative error. linux v6.6 drivers/dma/idxd/cdev.c: idxd_cdev_open */
export function* idxd_cdev_open(
  this: Kernel,
  tsk: Task,
  dev: Device,
  { cloexec = false, name = `${dev.name} file` }: { readonly cloexec?: boolean; readonly name?: string } = {},
): Flow<DeviceFile | number> {
  const { world } = this;
  yield;
  const mm = tsk.mm.load();
  if (mm === null) throw new TestMistake(`${tsk.name} opens ${dev.name} and has no mm: a kernel thread opens nothing`);
  const bound = new Cell<boolean>(world, `${name} is bound`, false, UNBUFFERED);
  const f_count = new Cell(world, `${name}.f_count`, 1);
  const bind = yield* this.iommu_sva_bind_device(dev, mm);
  if (typeof bind === 'number') return bind;
  const { handle, pasid } = bind;
  yield;
  bound.store(true);
  const file = { name, dev, mm, f_count, cloexec, handle, pasid, seen: { bound }, toJSON: () => name };
  tsk.files!.fds.add(file);
  return file;
}

/** The portal becomes part of the caller's address space (VM_DONTCOPY). linux v6.6 drivers/dma/idxd/cdev.c: idxd_cdev_mmap */
export function* idxd_cdev_mmap(this: Kernel, tsk: Task, file: DeviceFile): Flow<void> {
  yield* this.get_file(file);
  yield;
  const mm = tsk.mm.load()!;
  const portal = file.dev.dsa.portal(file.name);
  mm.portals.push({ file, portal });
  yield;
  portal.mapped.store(true);
}

/** munmap(2) of a portal: its reference of the file goes. linux v6.6 mm/mmap.c: do_vmi_munmap */
export function* munmap_portal(this: Kernel, tsk: Task, file: DeviceFile): Flow<void> {
  yield;
  const mm = tsk.mm.load()!;
  for (const own of mm.portals) {
    if (own.file !== file) continue;
    yield LOCKED;
    if (own.portal.mapped.exchange(false)) yield* this.fput(file);
  }
}

/** Order: the device is quiet before its PASID entry goes. linux v6.6 drivers/dma/idxd/cdev.c: idxd_cdev_release */
export function* idxd_cdev_release(this: Kernel, file: DeviceFile): Flow<void> {
  yield;
  file.seen.bound.store(false);
  yield* this.idxd_drain_pasid(file.dev, file.pasid);
  if (file.handle !== null) yield* this.iommu_sva_unbind_device(file.handle);
}

/** linux v6.6 drivers/dma/idxd/device.c: idxd_device_drain_pasid */
export function* idxd_drain_pasid(this: Kernel, dev: Device, pasid: number): Flow<void> {
  this.might_sleep('idxd_drain_pasid');
  yield dev.dsa.drained(pasid);
}
