/* The peer of the replay rows: reads a capture, looks at the addresses and ports of every packet, no more.
 *
 * build: gcc -O3 -march=native pcap_read_bench.c -o pcap_read_bench -lpcap
 * run:   pcap_read_bench FILE once     read it once by libpcap's pcap_next_ex: measured from outside
 *        pcap_read_bench FILE walk N   walk the mapped file N times: the physical limit
 *        pcap_read_bench probe         how quiet this core is
 * Each prints one JSON object. Files have little-endian records and Ethernet: what `sluice generate` writes.
 */
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "peer_util.h"

static uint64_t packets, seen;

static inline void touch(const uint8_t *p, uint32_t length)
{
	uint64_t addresses;
	uint32_t ports;
	if (length < 38)
		return;
	memcpy(&addresses, p + 26, 8);
	memcpy(&ports, p + 34, 4);
	seen += addresses ^ ports;
	packets++;
}

static int once(const char *path)
{
	char error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const u_char *bytes;
	pcap_t *capture = pcap_open_offline(path, error);
	int status;
	if (!capture) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	while ((status = pcap_next_ex(capture, &header, &bytes)) == 1)
		touch(bytes, header->caplen);
	if (status != PCAP_ERROR_BREAK) {
		fprintf(stderr, "%s: %s\n", path, pcap_geterr(capture));
		return 1;
	}
	pcap_close(capture);
	printf("{\"packets\":%lu,\"seen\":%lu}\n", packets, seen);
	return 0;
}

static void walk(const uint8_t *p, const uint8_t *end)
{
	while (p + 16 <= end) {
		uint32_t length;
		memcpy(&length, p + 8, 4);
		if (length > (size_t)(end - p) - 16)
			break;
		touch(p + 16, length);
		p += 16 + length;
	}
}

static int walks(const char *path, int rounds)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) || st.st_size < 24 || rounds < 1) {
		fprintf(stderr, "%s: cannot be read, or no rounds asked for\n", path);
		return 1;
	}
	const uint8_t *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED) {
		perror(path);
		return 1;
	}
	walk(map + 24, map + st.st_size); /* warm-up */
	printf("{\"ns_per_packet\":[");
	for (int r = 0; r < rounds; r++) {
		packets = 0;
		uint64_t start = now_ns();
		walk(map + 24, map + st.st_size);
		uint64_t ns = now_ns() - start;
		printf("%s%.3f", r ? "," : "", packets ? (double)ns / (double)packets : 0.0);
	}
	printf("],\"packets\":%lu,\"seen\":%lu}\n", packets, seen);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "probe"))
		return printf("{\"core_ghz\":%.3f,\"adds_per_ns\":%.3f}\n", core_ghz(), adds_per_ns()) < 0;
	if (argc == 3 && !strcmp(argv[2], "once"))
		return once(argv[1]);
	if (argc == 4 && !strcmp(argv[2], "walk"))
		return walks(argv[1], atoi(argv[3]));
	fprintf(stderr, "usage: pcap_read_bench FILE once | FILE walk ROUNDS | probe\n");
	return 2;
}
