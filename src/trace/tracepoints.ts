/**
 * The system of each kernel tracepoint that traces of an IOMMU commonly carry, so that `map` reads `iommu:map`.
 * From events/SYSTEM/EVENT of Debian's 6.1 and 6.12 kernels; no event name occurs in two systems there. A name that is not here
 * stays bare, and so does a kprobe (its arguments begin with a parenthesis) whatever its name.
 */

const SYSTEMS: readonly (readonly [system: string, events: string])[] = [
  [
    'iommu',
    'map unmap add_device_to_group remove_device_from_group attach_device_to_domain detach_device_from_domain io_page_fault',
  ],
  [
    'intel_iommu',
    'qi_submit prq_report cache_tag_assign cache_tag_unassign cache_tag_flush_all cache_tag_flush_range cache_tag_flush_range_np',
  ],
  [
    'dma',
    'dma_alloc dma_alloc_pages dma_alloc_sgt dma_alloc_sgt_err dma_free dma_free_pages dma_free_sgt dma_map_page dma_map_resource ' +
      'dma_map_sg dma_map_sg_err dma_sync_sg_for_cpu dma_sync_sg_for_device dma_sync_single_for_cpu dma_sync_single_for_device ' +
      'dma_unmap_page dma_unmap_resource dma_unmap_sg',
  ],
  ['swiotlb', 'swiotlb_bounced'],
  ['tlb', 'tlb_flush'],
  ['mmap', 'exit_mmap vm_unmapped_area vma_mas_szero vma_store'],
  ['vmalloc', 'alloc_vmap_area free_vmap_area_noflush purge_vmap_area_lazy'],
  ['exceptions', 'page_fault_kernel page_fault_user'],
  ['kmem', 'mm_page_alloc mm_page_free mm_page_free_batched'],
  [
    'sched',
    'sched_switch sched_waking sched_wakeup sched_wakeup_new sched_migrate_task sched_process_exec sched_process_exit ' +
      'sched_process_fork sched_process_free sched_process_wait',
  ],
  ['raw_syscalls', 'sys_enter sys_exit'],
  ['block', 'block_rq_complete block_rq_issue'],
  ['net', 'net_dev_xmit'],
  ['nvme', 'nvme_async_event nvme_complete_rq nvme_setup_cmd nvme_sq'],
  [
    'irq_vectors',
    'call_function_entry call_function_exit call_function_single_entry call_function_single_exit deferred_error_apic_entry ' +
      'deferred_error_apic_exit error_apic_entry error_apic_exit irq_work_entry irq_work_exit local_timer_entry local_timer_exit ' +
      'reschedule_entry reschedule_exit spurious_apic_entry spurious_apic_exit thermal_apic_entry thermal_apic_exit ' +
      'threshold_apic_entry threshold_apic_exit vector_activate vector_alloc vector_alloc_managed vector_clear vector_config ' +
      'vector_deactivate vector_free_moved vector_reserve vector_reserve_managed vector_setup vector_teardown vector_update ' +
      'x86_platform_ipi_entry x86_platform_ipi_exit',
  ],
  [
    'vmscan',
    'mm_shrink_slab_end mm_shrink_slab_start mm_vmscan_direct_reclaim_begin mm_vmscan_direct_reclaim_end mm_vmscan_kswapd_sleep ' +
      'mm_vmscan_kswapd_wake mm_vmscan_lru_isolate mm_vmscan_lru_shrink_active mm_vmscan_lru_shrink_inactive ' +
      'mm_vmscan_memcg_reclaim_begin mm_vmscan_memcg_reclaim_end mm_vmscan_memcg_softlimit_reclaim_begin ' +
      'mm_vmscan_memcg_softlimit_reclaim_end mm_vmscan_node_reclaim_begin mm_vmscan_node_reclaim_end mm_vmscan_throttled ' +
      'mm_vmscan_wakeup_kswapd mm_vmscan_write_folio',
  ],
];

const SYSTEM_OF = new Map<string, string>(
  SYSTEMS.flatMap(([system, events]) => events.split(' ').map((event): [string, string] => [event, system])),
);

/** `map` → `iommu:map`; a name that is not known, or has a system already, comes back as it is. */
export function qualifiedEventName(name: string): string {
  const system = SYSTEM_OF.get(name);
  if (system !== undefined) return `${system}:${name}`;
  return /^sys_(enter|exit)_[a-z0-9_]+$/.test(name) ? `syscalls:${name}` : name;
}

/** Whether `name`, with or without its system, is a tracepoint of this list. */
export function isKnownTracepoint(name: string): boolean {
  const bare = name.slice(name.indexOf(':') + 1);
  const qualified = qualifiedEventName(bare);
  return qualified !== bare && (name === bare || name === qualified);
}
