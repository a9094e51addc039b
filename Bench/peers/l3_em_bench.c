/* The peer of the path rows: a run-to-completion forwarder by 5-tuple on DPDK, one core.
 *   receive 32 -> parse Ethernet/IPv4/TCP|UDP with header checks -> rte_hash_lookup_bulk_data
 *   -> counters in a record of 64 bytes a flow -> MAC, TTL and checksum rewritten
 *   -> transmit to net_null, which frees the mbufs
 *
 * build: gcc -O3 -march=native l3_em_bench.c -o l3_em_bench $(pkg-config --cflags --libs libdpdk)
 * run:   l3_em_bench -l 1 --no-pci --no-telemetry --in-memory --vdev net_null0 -- src=ref flows=65536 ...
 *        (without reserved huge pages: --no-huge -m MEGABYTES for --in-memory)
 *   src=copy|ref  stage=io|parse|lookup|full  flows=N  zipf=0|1  packets=N
 * src:   copy = mbufs, each packet copied from a stream in memory into one, as a driver's device would
 *        ref  = no mbufs: headers are read where they lie in the stream, nothing rewritten or transmitted
 * stage: io = receive and transmit only; parse = and header checks and key; lookup = and rte_hash; full = all
 * Prints one line of JSON, then runs a repetition for each line it reads and prints its nanoseconds of CPU
 * time a packet.
 */
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_tcp.h>
#include "flows.h"

#define BURST 32
#define PACKET 64
struct record { uint64_t packets, bytes, pad[6]; };
struct key4 { uint32_t src, dst; uint16_t sp, dp; uint8_t proto, pad[3]; };
enum { IO, PARSE, LOOKUP, FULL };
static const char *stage_names[] = { "io", "parse", "lookup", "full" };
static struct rte_mempool *pool;

static void build_packet(uint8_t *p, const struct key4 *k)
{
	struct rte_ether_hdr *e = (void *)p;
	struct rte_ipv4_hdr *ip = (void *)(e + 1);
	struct rte_tcp_hdr *t = (void *)(ip + 1);
	memset(p, 0, PACKET);
	memcpy(p, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
	e->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16(PACKET - 14);
	ip->time_to_live = 64;
	ip->next_proto_id = k->proto;
	ip->src_addr = k->src;
	ip->dst_addr = k->dst;
	t->src_port = k->sp;
	t->dst_port = k->dp;
	t->data_off = 0x50;
	t->tcp_flags = RTE_TCP_ACK_FLAG;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* The checks of RFC 1812 that l3fwd makes: 0 when the packet is to be dropped. */
static inline int parse(const uint8_t *p, uint32_t len, struct key4 *k)
{
	const struct rte_ether_hdr *e = (const void *)p;
	const struct rte_ipv4_hdr *ip = (const void *)(e + 1);
	if (len < 14 + 20 + 4 || e->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return 0;
	uint32_t ihl = (ip->version_ihl & 15) * 4, total = rte_be_to_cpu_16(ip->total_length);
	if ((ip->version_ihl >> 4) != 4 || ihl < 20 || total < ihl + 4 || total > len - 14 || ip->time_to_live < 2)
		return 0;
	if (ip->next_proto_id != 6 && ip->next_proto_id != 17)
		return 0;
	if (ip->fragment_offset & rte_cpu_to_be_16(0x1fff))
		return 0;
	const struct rte_tcp_hdr *t = (const void *)((const uint8_t *)ip + ihl);
	*k = (struct key4){ ip->src_addr, ip->dst_addr, t->src_port, t->dst_port, ip->next_proto_id, { 0 } };
	return 1;
}

static inline void rewrite(uint8_t *p)
{
	struct rte_ipv4_hdr *ip = (void *)(p + 14);
	memcpy(p, "\x02\0\0\0\0\x03\x02\0\0\0\0\x04", 12);
	ip->time_to_live--;
	ip->hdr_checksum++;
}

static inline __attribute__((always_inline)) size_t
run(struct rte_hash *h, uint8_t *stream, size_t packets, int copy, int stage)
{
	struct rte_mbuf *m[BURST];
	struct key4 keys[BURST];
	const void *kp[BURST];
	void *data[BURST];
	uint8_t *pk[BURST];
	uint64_t mask, seen = 0;
	size_t hits = 0;

	for (size_t i = 0; i < packets; i += BURST) {
		uint32_t ok = 0;
		if (copy) {
			if (rte_pktmbuf_alloc_bulk(pool, m, BURST))
				abort();
			for (int j = 0; j < BURST; j++) {
				pk[j] = rte_pktmbuf_mtod(m[j], uint8_t *);
				rte_memcpy(pk[j], stream + (i + j) * PACKET, PACKET);
				m[j]->data_len = PACKET;
				m[j]->pkt_len = PACKET;
				m[j]->port = 1;
			}
		} else
			for (int j = 0; j < BURST; j++)
				pk[j] = stream + (i + j) * PACKET;
		if (stage >= PARSE) {
			for (uint32_t j = 0; j < BURST; j++) {
				kp[ok] = &keys[ok];
				pk[ok] = pk[j];
				if (copy)
					m[ok] = m[j];
				ok += parse(pk[j], copy ? m[j]->data_len : PACKET, &keys[ok]);
			}
			if (stage == PARSE)
				for (uint32_t j = 0; j < ok; j++)
					seen += keys[j].src + keys[j].sp;
		} else
			ok = BURST;
		if (stage >= LOOKUP && ok) {
			rte_hash_lookup_bulk_data(h, kp, ok, &mask, data);
			hits += (size_t)__builtin_popcountll(mask);
			if (stage == FULL) {
				for (uint32_t j = 0; j < ok; j++)
					if (mask >> j & 1)
						__builtin_prefetch(data[j], 1);
				for (uint32_t j = 0; j < ok; j++)
					if (mask >> j & 1) {
						struct record *r = data[j];
						r->packets++;
						r->bytes += copy ? m[j]->pkt_len : PACKET;
						if (copy)
							rewrite(pk[j]);
					}
			}
		}
		if (copy) {
			uint16_t sent = rte_eth_tx_burst(0, 0, m, (uint16_t)ok);
			if (sent < ok)
				rte_pktmbuf_free_bulk(m + sent, ok - sent);
		}
	}
	__asm__ volatile("" ::"r"(seen));
	return stage >= LOOKUP ? hits : packets;
}

#define CASE(c, s) \
	if (copy == c && stage == s) \
		return run(h, stream, packets, c, s)
static size_t dispatch(struct rte_hash *h, uint8_t *stream, size_t packets, int copy, int stage)
{
	CASE(1, IO); CASE(1, PARSE); CASE(1, LOOKUP); CASE(1, FULL);
	CASE(0, IO); CASE(0, PARSE); CASE(0, LOOKUP); CASE(0, FULL);
	return 0;
}

static void port_up(uint16_t port)
{
	struct rte_eth_conf c;
	memset(&c, 0, sizeof(c));
	if (rte_eth_dev_configure(port, 1, 1, &c) || rte_eth_rx_queue_setup(port, 0, 1024, 0, NULL, pool) ||
	    rte_eth_tx_queue_setup(port, 0, 1024, 0, NULL) || rte_eth_dev_start(port)) {
		fprintf(stderr, "port %u failed: start with --vdev net_null0\n", port);
		exit(1);
	}
}

static struct rte_hash *make_table(const struct key4 *keys, uint32_t flows)
{
	struct rte_hash_parameters hp = { .name = "em", .entries = flows * 2, .key_len = sizeof(struct key4),
		.hash_func = rte_hash_crc, .socket_id = 0 };
	struct rte_hash *h = rte_hash_create(&hp);
	struct record *records = rte_zmalloc(NULL, (size_t)flows * sizeof(*records), 64);
	if (!h || !records) {
		fprintf(stderr, "no table for %u flows: more memory needed\n", flows);
		exit(1);
	}
	for (uint32_t i = 0; i < flows; i++)
		if (rte_hash_add_key_data(h, &keys[i], &records[i])) {
			fprintf(stderr, "insert %u failed\n", i);
			exit(1);
		}
	return h;
}

static int stage_of(const char *name)
{
	for (int s = IO; s < FULL; s++)
		if (!strcmp(name, stage_names[s]))
			return s;
	return FULL;
}

int main(int argc, char **argv)
{
	int n = rte_eal_init(argc, argv);
	if (n < 0)
		return 1;
	argv += n;
	argc -= n;
	uint32_t flows = (uint32_t)number(argc, argv, "flows", 65536);
	size_t packets = number(argc, argv, "packets", 2u << 20) / BURST * BURST;
	int copy = !strcmp(option(argc, argv, "src", "copy"), "copy");
	int stage = stage_of(option(argc, argv, "stage", "full"));
	pool = rte_pktmbuf_pool_create("mb", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (!pool)
		return 1;
	port_up(0);

	struct key4 *keys = big_alloc((size_t)flows * sizeof(*keys));
	for (uint32_t i = 0; i < flows; i++) {
		uint64_t a = rng(), b = rng();
		keys[i] = (struct key4){ (uint32_t)a, (uint32_t)(a >> 32), (uint16_t)b, (uint16_t)(b >> 16), 6, { 0 } };
	}
	struct rte_hash *h = make_table(keys, flows);
	uint32_t *order = big_alloc(packets * 4);
	uint8_t *stream = big_alloc(packets * PACKET);
	make_queries(order, packets, flows, (int)number(argc, argv, "zipf", 0));
	for (size_t i = 0; i < packets; i++)
		build_packet(stream + i * PACKET, &keys[order[i]]);
	printf("{\"pages\":\"%s\"}\n", rte_eal_has_hugepages() ? "2M" : "4K");
	fflush(stdout);
	while (next_turn()) {
		uint64_t start = now_ns();
		size_t done = dispatch(h, stream, packets, copy, stage);
		uint64_t ns = now_ns() - start;
		if (done != packets) {
			fprintf(stderr, "%zu of %zu packets found their flow\n", done, packets);
			return 1;
		}
		report(ns, packets);
	}
	return 0;
}
