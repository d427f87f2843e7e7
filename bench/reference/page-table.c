/*
 * C reference of a 4-level radix page table: the limit that the TypeScript table is measured against.
 *
 *   gcc -O2 -std=c11 [-DZERO_TABLES] page-table.c -o page-table
 *   ./page-table stress free|never [PAIRS [ROUNDS]]    default 8388608 pairs (free), 524288 (never), 1 round
 *   ./page-table micro [ROUNDS [SCALE]]                default 7 rounds, scale 1; always frees on unmap
 *
 * Modelled: tables of 512 x 8 bytes, level 3 (root) down to level 0 (leaf table), 48-bit IOVAs; entry bits 0 and 1 are
 * present and writable, bit 7 of a level 1 entry makes it a 2 MiB leaf, bits 12 to 51 are the frame number. The number of
 * used entries of each table is kept beside the memory. With `free`, unmap frees each table that it leaves empty: the leaf
 * table first, then its parent, up to the root's child. -DZERO_TABLES clears 4 KiB at each table allocation, as a kernel
 * does; without it a freed table is reused as it is, since a table that became empty by unmapping holds only zeros.
 * Left out: locks, IOTLB invalidation, 1 GiB pages, splitting a 2 MiB leaf on a partial unmap (it goes as a whole).
 *
 * Simulated memory: frame number == index of the 4 KiB frame in one mapping; frame 0 is never given out. Frames come from a
 * LIFO stack of freed ones, else from a counter that starts at 1, so the root is frame 1.
 *
 * stress: IOVA = 0; then per pair: IOVA += 2 MiB, map 4 KiB there (to 0x12345000), unmap it. It ends at PAIRS x 2 MiB
 * inclusive. One untimed round first, which takes the host's page faults on fresh memory (not what is measured here; with
 * `never` they cost far more than the tables), then ROUNDS timed ones. Checksum: dump(1) after the last round.
 *
 * micro: the 18 workloads in `workloads` below, in that order, on one table that is reset at the start of a round and again
 * after workload 1. One checked round first (untimed), then ROUNDS timed ones. Each workload yields a number: the
 * translating ones the sum of all frame numbers translated to (-1 for a miss), the others the count of calls that failed.
 * A timed round that yields another number than the checked one counts as a failure. SCALE divides every count.
 *
 * CHECKSUM, all in 32-bit unsigned arithmetic that wraps:
 *   mix(h, x):  h = (h ^ x) * 0x2c1b3c6d;  h = h ^ (h >> 15)
 *   dump(h):    depth first from the root (level 3), entries that are not zero in ascending index order:
 *                 h = mix(h, level); h = mix(h, index);
 *                 a leaf:  h = mix(h, low word); h = mix(h, high word)
 *                 a table: h = mix(h, low word & 0xfff); then the dump of that table, one level down
 *               Frame numbers of tables and entry counts are not mixed, so when and where tables were freed does not show.
 *   micro:      h = 1; after each workload of the checked round, with y the 64-bit two's complement number it yielded:
 *                 h = mix(h, low word of y); h = mix(h, high word of y); h = dump(h)
 *
 * RANDOM: xorshift32, state 0x7ab1e5ed at the start; next: x ^= x << 13; x ^= x >> 17; x ^= x << 5; the number is x.
 *   below(n) = next % n. Sequences, made in this order (W = 2^24 pages, a 64 GiB window; `used` starts empty):
 *   1. denseOrder[translations] = below(dense)
 *   2. firstPages[live]: p = below(W), drawn again while used; used += p.   pages = copy of firstPages
 *   3. churnOut, churnIn[churn]: i = below(live); churnOut = pages[i]; used -= pages[i];
 *      p as in 2; churnIn = pages[i] = p
 *   4. liveOrder[translations] = pages[below(live)]
 *   5. lastPages[live] = pages; for k = live-1 down to 1: swap entries k and below(k + 1)
 *   6. superOrder[translations] = below(superpages * 512)
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

/* A call from a workload is a call, as it is into a library. */
#define API static __attribute__((noinline))

#define PAGE_BYTES 4096ULL
#define SUPERPAGE_BYTES 0x200000ULL
#define ENTRIES 512u
#define PRESENT 3ULL
#define LARGE 0x80ULL
#define TABLE_BITS 3ULL
#define FRAME_MASK 0x000ffffffffff000ULL
#define READ_WRITE 3ULL
#define NOT_MAPPED (~0ULL)

/* ---- simulated memory and its frames ---- */

static u64 *memory;      /* frame n is memory[512 n .. 512 n + 511] */
static u16 *used_count;  /* entries in use, by frame */
static u32 *free_stack;
static u32 free_count, next_frame, alive, peak, root;
static bool free_on_unmap;

static inline u64 *table_at(u32 frame) { return memory + (size_t)frame * ENTRIES; }
static inline u32 frame_of(u64 entry) { return (u32)(entry >> 12); }
static inline u32 index_at(u64 iova, int level) { return (u32)(iova >> (12 + 9 * level)) & (ENTRIES - 1); }

static inline u32 take_frame(void) {
  u32 frame = free_count != 0 ? free_stack[--free_count] : next_frame++;
  if (++alive > peak) peak = alive;
#ifdef ZERO_TABLES
  memset(table_at(frame), 0, PAGE_BYTES);
#endif
  return frame;
}

static inline void give_frame(u32 frame) {
  free_stack[free_count++] = frame;
  alive--;
}

/* Back to an empty table with only a root, whatever was mapped. */
static void reset(void) {
  if (alive > 1) memset(memory, 0, (size_t)next_frame * PAGE_BYTES);
  memset(used_count, 0, (size_t)next_frame * sizeof *used_count);
  next_frame = 1;
  free_count = alive = peak = 0;
  root = take_frame();
}

/* ---- map, unmap, translate ---- */

/* The table below `parent` at `index`, made if there is none. The caller has ruled out a 2 MiB leaf there. */
static inline u32 child_of(u32 parent, u32 index) {
  u64 *slot = table_at(parent) + index;
  if (*slot & PRESENT) return frame_of(*slot);
  u32 child = take_frame();
  *slot = (u64)child << 12 | TABLE_BITS;
  used_count[parent]++;
  return child;
}

/* Clears the entry of `child`, an empty table, and frees it; true when that left `parent` empty. */
static inline bool drop_child(u32 parent, u32 index, u32 child) {
  table_at(parent)[index] = 0;
  give_frame(child);
  return --used_count[parent] == 0;
}

/* A 2 MiB leaf; takes the place of a leaf table only if that is empty (it can be, when nothing is freed on unmap). */
static bool set_superpage(u32 parent, u32 index, u64 leaf) {
  u64 *slot = table_at(parent) + index;
  if (*slot & PRESENT) {
    if ((*slot & LARGE) || used_count[frame_of(*slot)] != 0) return false;
    drop_child(parent, index, frame_of(*slot));
  }
  *slot = leaf | LARGE;
  used_count[parent]++;
  return true;
}

/* 0 when mapped; -1 at the first page that was in use, with what came before it left mapped. */
API int map(u64 iova, u64 paddr, u64 size, u64 bits) {
  while (size != 0) {
    u32 upper = child_of(root, index_at(iova, 3));
    u32 middle = child_of(upper, index_at(iova, 2));
    u32 at = index_at(iova, 1);
    if (size >= SUPERPAGE_BYTES && ((iova | paddr) & (SUPERPAGE_BYTES - 1)) == 0) {
      if (!set_superpage(middle, at, paddr | bits)) return -1;
      iova += SUPERPAGE_BYTES, paddr += SUPERPAGE_BYTES, size -= SUPERPAGE_BYTES;
      continue;
    }
    if (table_at(middle)[at] & LARGE) return -1;
    u32 leaf = child_of(middle, at);
    u32 first = index_at(iova, 0);
    u32 pages = ENTRIES - first;
    if (size / PAGE_BYTES < pages) pages = (u32)(size / PAGE_BYTES);
    u64 *slot = table_at(leaf) + first;
    u64 entry = paddr | bits;
    for (u32 k = 0; k < pages; k++, entry += PAGE_BYTES) {
      if (slot[k] & PRESENT) {
        used_count[leaf] = (u16)(used_count[leaf] + k);
        return -1;
      }
      slot[k] = entry;
    }
    used_count[leaf] = (u16)(used_count[leaf] + pages);
    iova += pages * PAGE_BYTES, paddr += pages * PAGE_BYTES, size -= pages * PAGE_BYTES;
  }
  return 0;
}

/* The first address after the entry of `level` that covers `iova`. */
static inline u64 next_entry(u64 iova, int level) { return ((iova >> (12 + 9 * level)) + 1) << (12 + 9 * level); }

/* Clears up to `pages` entries from `first` on; how many were in use. */
static inline u32 clear_leaves(u32 leaf, u32 first, u32 pages) {
  u64 *slot = table_at(leaf) + first;
  u32 cleared = 0;
  for (u32 k = 0; k < pages; k++) {
    if (slot[k] & PRESENT) {
      slot[k] = 0;
      cleared++;
    }
  }
  used_count[leaf] = (u16)(used_count[leaf] - cleared);
  return cleared;
}

/* Bytes that were mapped in the range. */
API u64 unmap(u64 iova, u64 size) {
  u64 end = iova + size, done = 0;
  while (iova < end) {
    u32 i3 = index_at(iova, 3), i2 = index_at(iova, 2), i1 = index_at(iova, 1);
    bool middle_empty = false;
    u64 entry = table_at(root)[i3];
    if (!(entry & PRESENT)) { iova = next_entry(iova, 3); continue; }
    u32 upper = frame_of(entry);
    entry = table_at(upper)[i2];
    if (!(entry & PRESENT)) { iova = next_entry(iova, 2); continue; }
    u32 middle = frame_of(entry);
    entry = table_at(middle)[i1];
    if (!(entry & PRESENT)) { iova = next_entry(iova, 1); continue; }
    if (entry & LARGE) {
      table_at(middle)[i1] = 0;
      middle_empty = --used_count[middle] == 0;
      done += SUPERPAGE_BYTES;
      iova = next_entry(iova, 1);
    } else {
      u32 leaf = frame_of(entry), first = index_at(iova, 0), pages = ENTRIES - first;
      if ((end - iova) / PAGE_BYTES < pages) pages = (u32)((end - iova) / PAGE_BYTES);
      done += clear_leaves(leaf, first, pages) * PAGE_BYTES;
      iova += pages * PAGE_BYTES;
      if (free_on_unmap && used_count[leaf] == 0) middle_empty = drop_child(middle, i1, leaf);
    }
    if (free_on_unmap && middle_empty && drop_child(upper, i2, middle)) drop_child(root, i3, upper);
  }
  return done;
}

API u64 translate(u64 iova) {
  u64 entry = table_at(root)[index_at(iova, 3)];
  if (!(entry & PRESENT)) return NOT_MAPPED;
  entry = table_at(frame_of(entry))[index_at(iova, 2)];
  if (!(entry & PRESENT)) return NOT_MAPPED;
  entry = table_at(frame_of(entry))[index_at(iova, 1)];
  if (!(entry & PRESENT)) return NOT_MAPPED;
  if (entry & LARGE) return (entry & FRAME_MASK & ~(SUPERPAGE_BYTES - 1)) | (iova & (SUPERPAGE_BYTES - 1));
  entry = table_at(frame_of(entry))[index_at(iova, 0)];
  if (!(entry & PRESENT)) return NOT_MAPPED;
  return (entry & FRAME_MASK) | (iova & (PAGE_BYTES - 1));
}

/* ---- checksum ---- */

static u32 mix(u32 h, u32 x) {
  h = (h ^ x) * 0x2c1b3c6du;
  return h ^ (h >> 15);
}

static u32 dump(u32 table, u32 level, u32 h) {
  if (used_count[table] == 0) return h;
  for (u32 index = 0; index < ENTRIES; index++) {
    u64 entry = table_at(table)[index];
    if (entry == 0) continue;
    h = mix(mix(h, level), index);
    if (level == 0 || (entry & LARGE)) h = mix(mix(h, (u32)entry), (u32)(entry >> 32));
    else h = dump(frame_of(entry), level - 1, mix(h, (u32)entry & 0xfff));
  }
  return h;
}

/* ---- workloads: sizes and sequences ---- */

#define WINDOW_PAGES (1u << 24)
#define RANGE_PAGES 256u
#define STRIDE_PAGES 512u
#define SCRAMBLE 0x5a5a5au /* a random page goes to frame vpn ^ SCRAMBLE */

static u32 pairs = 200000, strided = 65536, dense = 262144, translations = 1000000, live = 100000, churn = 500000;
static u32 superpages = 32768, ranges = 4096, range_pages;
static u32 *dense_order, *first_pages, *churn_out, *churn_in, *live_order, *last_pages, *super_order;

static u32 random_state = 0x7ab1e5ed;

static u32 below(u32 bound) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state % bound;
}

static void *get_memory(size_t bytes) {
  void *got = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) {
    perror("page-table: mmap");
    exit(1);
  }
  return got;
}

static u32 *get_list(u32 length) { return get_memory((size_t)length * sizeof(u32)); }

static void get_frames(u64 count) {
  memory = get_memory(count * PAGE_BYTES);
  used_count = get_memory(count * sizeof *used_count);
  free_stack = get_memory(count * sizeof *free_stack);
}

static u32 draw_unused(u8 *used) {
  u32 page = below(WINDOW_PAGES);
  while (used[page]) page = below(WINDOW_PAGES);
  used[page] = 1;
  return page;
}

static void draw_churn(u32 *pages, u8 *used) {
  for (u32 k = 0; k < churn; k++) {
    u32 i = below(live);
    churn_out[k] = pages[i];
    used[pages[i]] = 0;
    churn_in[k] = pages[i] = draw_unused(used);
  }
}

static void shuffle(u32 *list, u32 length) {
  for (u32 k = length - 1; k > 0; k--) {
    u32 j = below(k + 1), held = list[k];
    list[k] = list[j];
    list[j] = held;
  }
}

static void draw_sequences(void) {
  u32 *pages = last_pages = get_list(live);
  u8 *used = get_memory(WINDOW_PAGES);
  first_pages = get_list(live);
  churn_out = get_list(churn), churn_in = get_list(churn);
  dense_order = get_list(translations), live_order = get_list(translations), super_order = get_list(translations);
  for (u32 k = 0; k < translations; k++) dense_order[k] = below(dense);
  for (u32 k = 0; k < live; k++) first_pages[k] = pages[k] = draw_unused(used);
  draw_churn(pages, used);
  for (u32 k = 0; k < translations; k++) live_order[k] = pages[below(live)];
  shuffle(last_pages, live);
  for (u32 k = 0; k < translations; k++) super_order[k] = below(superpages * STRIDE_PAGES);
  munmap(used, WINDOW_PAGES);
}

static u32 scaled(u32 count, u32 scale) { return count / scale != 0 ? count / scale : 1; }

static void scale_sizes(u32 scale) {
  u32 *sizes[] = {&pairs, &strided, &dense, &translations, &live, &churn, &superpages, &ranges};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) *sizes[i] = scaled(*sizes[i], scale);
  range_pages = ranges * RANGE_PAGES;
}

/* ---- workloads: loops ---- */

static inline u64 bytes_of(u64 pages) { return pages * PAGE_BYTES; }
static inline double frame_sum(u64 paddr) { return (double)((int64_t)paddr >> 12); } /* NOT_MAPPED gives -1 */

API double pairs_from(u64 iova, u32 count) {
  u32 failed = 0;
  for (u32 k = 0; k < count; k++, iova += SUPERPAGE_BYTES) {
    failed += map(iova, 0x12345000, PAGE_BYTES, READ_WRITE) != 0;
    failed += unmap(iova, PAGE_BYTES) != PAGE_BYTES;
  }
  return failed;
}

API double translated_pairs(u32 count) {
  double sum = 0;
  u64 iova = 0;
  for (u32 k = 0; k < count; k++, iova += SUPERPAGE_BYTES) {
    map(iova, 0x12345000, PAGE_BYTES, READ_WRITE);
    sum += frame_sum(translate(iova));
    unmap(iova, PAGE_BYTES);
  }
  return sum;
}

API double map_run(u32 count, u64 stride, u64 paddr, u64 size) {
  u32 failed = 0;
  u64 iova = 0;
  for (u32 k = 0; k < count; k++, iova += stride, paddr += size) failed += map(iova, paddr, size, READ_WRITE) != 0;
  return failed;
}

API double translate_run(u32 count, u64 stride) {
  double sum = 0;
  u64 iova = 0;
  for (u32 k = 0; k < count; k++, iova += stride) sum += frame_sum(translate(iova));
  return sum;
}

API double unmap_run(u32 count, u64 stride, u64 size) {
  u32 failed = 0;
  u64 iova = 0;
  for (u32 k = 0; k < count; k++, iova += stride) failed += unmap(iova, size) != size;
  return failed;
}

API double map_list(const u32 *list, u32 count) {
  u32 failed = 0;
  for (u32 k = 0; k < count; k++)
    failed += map(bytes_of(list[k]), bytes_of(list[k] ^ SCRAMBLE), PAGE_BYTES, READ_WRITE) != 0;
  return failed;
}

API double translate_list(const u32 *list, u32 count) {
  double sum = 0;
  for (u32 k = 0; k < count; k++) sum += frame_sum(translate(bytes_of(list[k])));
  return sum;
}

API double unmap_list(const u32 *list, u32 count) {
  u32 failed = 0;
  for (u32 k = 0; k < count; k++) failed += unmap(bytes_of(list[k]), PAGE_BYTES) != PAGE_BYTES;
  return failed;
}

API double churn_list(const u32 *out, const u32 *in, u32 count) {
  u32 failed = 0;
  for (u32 k = 0; k < count; k++) {
    failed += unmap(bytes_of(out[k]), PAGE_BYTES) != PAGE_BYTES;
    failed += map(bytes_of(in[k]), bytes_of(in[k] ^ SCRAMBLE), PAGE_BYTES, READ_WRITE) != 0;
  }
  return failed;
}

/* ---- workloads: the eighteen ---- */

#define LOW_PADDR 0x40000000ULL
#define RANGE_BYTES (RANGE_PAGES * PAGE_BYTES)

static double stride_pair(void) { return pairs_from(0, pairs); }
static double stride_translated_pair(void) { return translated_pairs(pairs); }
static double stride_map(void) { return map_run(strided, SUPERPAGE_BYTES, LOW_PADDR, PAGE_BYTES); }
static double stride_translate(void) { return translate_run(strided, SUPERPAGE_BYTES); }
static double stride_unmap(void) { return unmap_run(strided, SUPERPAGE_BYTES, PAGE_BYTES); }
static double dense_map(void) { return map_run(dense, PAGE_BYTES, LOW_PADDR, PAGE_BYTES); }
static double dense_translate(void) { return translate_list(dense_order, translations); }
static double dense_unmap(void) { return unmap_run(dense, PAGE_BYTES, PAGE_BYTES); }
static double random_map(void) { return map_list(first_pages, live); }
static double random_churn(void) { return churn_list(churn_out, churn_in, churn); }
static double random_translate(void) { return translate_list(live_order, translations); }
static double random_unmap(void) { return unmap_list(last_pages, live); }
static double super_map(void) { return map_run(superpages, SUPERPAGE_BYTES, 0, SUPERPAGE_BYTES); }
static double super_translate(void) { return translate_list(super_order, translations); }
static double super_unmap(void) { return unmap_run(superpages, SUPERPAGE_BYTES, SUPERPAGE_BYTES); }
static double range_map(void) { return map_run(ranges, RANGE_BYTES, LOW_PADDR, RANGE_BYTES); }
static double range_translate(void) { return translate_run(range_pages, PAGE_BYTES); }
static double range_unmap(void) { return unmap_run(ranges, RANGE_BYTES, RANGE_BYTES); }

struct workload {
  const char *name;
  double (*run)(void);
  const u32 *operations; /* what the time is divided by */
  bool translates;       /* yields a sum of frame numbers, else a count of failures */
  bool reset_after;
};

static const struct workload workloads[] = {
    {"stride-2m-pair", stride_pair, &pairs, false, false},
    {"stride-2m-translated-pair", stride_translated_pair, &pairs, true, true},
    {"stride-2m-map", stride_map, &strided, false, false},
    {"stride-2m-translate", stride_translate, &strided, true, false},
    {"stride-2m-unmap", stride_unmap, &strided, false, false},
    {"dense-4k-map", dense_map, &dense, false, false},
    {"dense-4k-translate", dense_translate, &translations, true, false},
    {"dense-4k-unmap", dense_unmap, &dense, false, false},
    {"random-4k-map", random_map, &live, false, false},
    {"random-4k-churn", random_churn, &churn, false, false},
    {"random-4k-translate", random_translate, &translations, true, false},
    {"random-4k-unmap", random_unmap, &live, false, false},
    {"super-2m-map", super_map, &superpages, false, false},
    {"super-2m-translate", super_translate, &translations, true, false},
    {"super-2m-unmap", super_unmap, &superpages, false, false},
    {"range-1m-map", range_map, &range_pages, false, false},
    {"range-1m-translate", range_translate, &range_pages, true, false},
    {"range-1m-unmap", range_unmap, &range_pages, false, false},
};
#define WORKLOADS (sizeof workloads / sizeof *workloads)

/* ---- rounds and output ---- */

static double expected[WORKLOADS];
static u64 failures;

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static u32 checked_round(void) {
  u32 h = 1;
  reset();
  for (size_t i = 0; i < WORKLOADS; i++) {
    double yielded = expected[i] = workloads[i].run();
    if (!workloads[i].translates && yielded != 0) failures++;
    u64 words = (u64)(int64_t)yielded;
    h = dump(root, 3, mix(mix(h, (u32)words), (u32)(words >> 32)));
    if (workloads[i].reset_after) reset();
  }
  return h;
}

static void timed_round(double *ns) {
  reset();
  for (size_t i = 0; i < WORKLOADS; i++) {
    double start = now_ns();
    double yielded = workloads[i].run();
    ns[i] = (now_ns() - start) / *workloads[i].operations;
    if (yielded != expected[i]) failures++;
    if (workloads[i].reset_after) reset();
  }
}

static void print_head(const char *mode, bool freeing) {
#ifdef ZERO_TABLES
  const char *zero = "true";
#else
  const char *zero = "false";
#endif
  printf("{\"mode\":\"%s\",\"free\":%s,\"zeroTables\":%s,\"workloads\":[", mode, freeing ? "true" : "false", zero);
}

/* ns[round * stride] for each round. */
static void print_workload(const char *name, const double *ns, u32 rounds, size_t stride) {
  printf("{\"name\":\"%s\",\"ns\":[", name);
  for (u32 r = 0; r < rounds; r++) printf("%s%.3f", r ? "," : "", ns[r * stride]);
  printf("]}");
}

static void print_tail(u32 h) {
  printf("],\"checksum\":%" PRIu32 ",\"failures\":%" PRIu64 ",\"tables\":%" PRIu32 ",\"peakTables\":%" PRIu32 "}\n", h,
         failures, alive, peak);
}

static void run_micro(u32 rounds, u32 scale) {
  double *ns = get_memory((size_t)(rounds + 1) * sizeof(double[WORKLOADS]));
  free_on_unmap = true;
  scale_sizes(scale);
  draw_sequences();
  get_frames(1u << 17); /* the most: 65,536 leaf tables of stride-2m-map and 130 above them */
  u32 h = checked_round();
  for (u32 r = 0; r < rounds; r++) timed_round(ns + r * WORKLOADS);
  print_head("micro", true);
  for (size_t i = 0; i < WORKLOADS; i++) {
    if (i != 0) printf(",");
    print_workload(workloads[i].name, ns + i, rounds, WORKLOADS);
  }
  print_tail(h);
}

/* Without freeing, a table stays for each pair: refuse what this machine cannot hold rather than have it swap or kill. */
static void check_memory(u64 frames) {
  u64 bytes = frames * PAGE_BYTES, physical = (u64)sysconf(_SC_PHYS_PAGES) * (u64)sysconf(_SC_PAGESIZE);
  if (bytes <= physical / 2) return;
  fprintf(stderr, "page-table: %" PRIu64 " MiB of tables is more than half of this machine's memory; ask for fewer pairs\n",
          bytes >> 20);
  exit(1);
}

static void run_stress(bool freeing, u32 count, u32 rounds) {
  u64 frames = freeing ? 64 : (u64)count + count / 512 + count / 262144 + 64;
  double *ns = get_memory((size_t)(rounds + 1) * sizeof *ns);
  check_memory(frames);
  get_frames(frames);
  free_on_unmap = freeing;
  for (u32 r = 0; r <= rounds; r++) {
    reset();
    double start = now_ns();
    failures += (u64)pairs_from(SUPERPAGE_BYTES, count);
    if (r != 0) ns[r - 1] = (now_ns() - start) / count;
  }
  print_head("stress", freeing);
  print_workload(freeing ? "stress-free" : "stress-never", ns, rounds, 1);
  print_tail(dump(root, 3, 1));
}

static int usage(void) {
  fputs("usage: page-table stress free|never [PAIRS [ROUNDS]]\n       page-table micro [ROUNDS [SCALE]]\n", stderr);
  return 2;
}

/* A positive decimal number up to `most`, or 0. */
static u32 positive(const char *text, u32 most) {
  char *end;
  unsigned long value = strtoul(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0' && value <= most ? (u32)value : 0;
}

int main(int argc, char **argv) {
  if (argc >= 3 && strcmp(argv[1], "stress") == 0) {
    bool freeing = strcmp(argv[2], "free") == 0;
    if (argc > 5 || (!freeing && strcmp(argv[2], "never") != 0)) return usage();
    u32 count = argc > 3 ? positive(argv[3], 1u << 26) : freeing ? 8388608 : 524288;
    u32 rounds = argc > 4 ? positive(argv[4], 1000) : 1;
    if (count == 0 || rounds == 0) return usage();
    run_stress(freeing, count, rounds);
    return failures != 0;
  }
  if (argc < 2 || argc > 4 || strcmp(argv[1], "micro") != 0) return usage();
  u32 rounds = argc > 2 ? positive(argv[2], 1000) : 7;
  u32 scale = argc > 3 ? positive(argv[3], 1u << 20) : 1;
  if (rounds == 0 || scale == 0) return usage();
  run_micro(rounds, scale);
  return failures != 0;
}
