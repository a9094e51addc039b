/* The peer of the lookup and insert rows: DPDK's rte_hash, one core.
 *
 * build: gcc -O3 -march=native rte_hash_bench.c -o rte_hash_bench $(pkg-config --cflags --libs libdpdk)
 * run:   rte_hash_bench -l 1 --no-pci --no-telemetry --in-memory -- op=lookup flows=65536 ...
 *        (without reserved huge pages: --no-huge -m MEGABYTES for --in-memory)
 *   op=lookup|insert  flows=N  key=16|40  zipf=0|1  queries=N
 * Prints one line of JSON about the table, then runs a repetition for each line it reads and prints its
 * nanoseconds of CPU time an operation.
 *
 * Keys are random 5-tuples (16 bytes for IPv4, 40 for IPv6, zero padded); the table has twice as many
 * entries.
 * lookup: 32 keys at once, laid out one after another as headers are in a packet stream, then packets and
 *         bytes counted in a record of 64 bytes a flow, which is prefetched after the lookup.
 * insert: all flows, one at a time, into an empty table.
 */
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#include "flows.h"

#define BURST 32
struct record { uint64_t packets, bytes, pad[6]; };

static void fill_key(uint8_t *k, uint32_t len)
{
	/* source, destination, ports, protocol, zeros */
	uint32_t addresses = len == 16 ? 8 : 32;
	for (uint32_t i = 0; i < addresses + 4; i += 4) {
		uint32_t r = (uint32_t)rng();
		memcpy(k + i, &r, 4);
	}
	memset(k + addresses + 4, 0, len - addresses - 4);
	k[addresses + 4] = 6;
}

static size_t heap_used(void)
{
	struct rte_malloc_socket_stats s;
	size_t n = 0;
	for (int i = 0; i < 8; i++)
		if (rte_malloc_get_socket_stats(i, &s) == 0)
			n += s.heap_allocsz_bytes;
	return n;
}

static struct rte_hash *make_table(uint32_t flows, uint32_t len)
{
	struct rte_hash_parameters p = { .name = "t", .entries = flows * 2, .key_len = len,
		.hash_func = rte_hash_crc, .hash_func_init_val = 0, .socket_id = 0, .extra_flag = 0 };
	struct rte_hash *h = rte_hash_create(&p);
	if (!h) {
		fprintf(stderr, "no table for %u flows: more memory needed\n", flows);
		exit(1);
	}
	return h;
}

static void insert_all(struct rte_hash *h, const uint8_t *keys, uint32_t len, uint32_t flows)
{
	uint32_t failed = 0;
	for (uint32_t i = 0; i < flows; i++)
		failed += rte_hash_add_key_data(h, keys + (size_t)i * len, (void *)(uintptr_t)i) != 0;
	if (failed) {
		fprintf(stderr, "%u inserts failed\n", failed);
		exit(1);
	}
}

static size_t look_up(const struct rte_hash *h, struct record *records, const uint8_t *keys, uint32_t len,
		      size_t n)
{
	size_t hits = 0;
	uint64_t mask;
	const void *kp[BURST];
	void *data[BURST];
	for (size_t i = 0; i < n; i += BURST) {
		for (int j = 0; j < BURST; j++)
			kp[j] = keys + (i + j) * len;
		rte_hash_lookup_bulk_data(h, kp, BURST, &mask, data);
		hits += (size_t)__builtin_popcountll(mask);
		for (int j = 0; j < BURST; j++)
			__builtin_prefetch(&records[(uintptr_t)data[j]], 1);
		for (int j = 0; j < BURST; j++) {
			struct record *r = &records[(uintptr_t)data[j]];
			r->packets++;
			r->bytes += 64;
		}
	}
	return hits;
}

static void ready(double table_bytes)
{
	printf("{\"pages\":\"%s\",\"table_bytes_per_flow\":%.1f}\n", rte_eal_has_hugepages() ? "2M" : "4K",
	       table_bytes);
	fflush(stdout);
}

static void lookups(const uint8_t *keys, uint32_t len, uint32_t flows, size_t n, int zipf)
{
	size_t before = heap_used();
	struct rte_hash *h = make_table(flows, len);
	double bytes = (double)(heap_used() - before) / flows;
	insert_all(h, keys, len, flows);
	struct record *records = rte_zmalloc(NULL, (size_t)flows * sizeof(*records), 64);
	uint8_t *stream = big_alloc(n * len);
	uint32_t *order = big_alloc(n * 4);
	if (!records) {
		fprintf(stderr, "no memory for the records\n");
		exit(1);
	}
	make_queries(order, n, flows, zipf);
	for (size_t i = 0; i < n; i++)
		memcpy(stream + i * len, keys + (size_t)order[i] * len, len);
	ready(bytes);
	while (next_turn()) {
		uint64_t start = now_ns();
		size_t hits = look_up(h, records, stream, len, n);
		uint64_t ns = now_ns() - start;
		if (hits != n) {
			fprintf(stderr, "%zu of %zu keys found\n", hits, n);
			exit(1);
		}
		report(ns, n);
	}
}

static void inserts(const uint8_t *keys, uint32_t len, uint32_t flows)
{
	ready(0);
	while (next_turn()) {
		struct rte_hash *h = make_table(flows, len);
		uint64_t start = now_ns();
		insert_all(h, keys, len, flows);
		report(now_ns() - start, flows);
		rte_hash_free(h);
	}
}

int main(int argc, char **argv)
{
	int n = rte_eal_init(argc, argv);
	if (n < 0)
		return 1;
	argv += n;
	argc -= n;
	uint32_t flows = (uint32_t)number(argc, argv, "flows", 65536);
	uint32_t len = (uint32_t)number(argc, argv, "key", 16);
	size_t queries = number(argc, argv, "queries", 2u << 20) / BURST * BURST;
	uint8_t *keys = big_alloc((size_t)flows * len);
	for (uint32_t i = 0; i < flows; i++)
		fill_key(keys + (size_t)i * len, len);
	if (!strcmp(option(argc, argv, "op", "lookup"), "insert"))
		inserts(keys, len, flows);
	else
		lookups(keys, len, flows, queries, (int)number(argc, argv, "zipf", 0));
	return 0;
}
