#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sluice_fanout.h"

// The program is written as the kernel's verifier takes it:
// Documentation/bpf/standardization/instruction-set.rst. It runs for each packet that a fanout group
// receives, and answers which of the group's sockets gets it: that of the worker whose session it is, as
// FlowKey and FlowHash in Sources/Dataplane/Session have it. What it gets wrong is handed over by the worker,
// so it need know the ordinary cases only.

enum {
	R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FP,
	// Where the stack has what was read: the IPv4 header, so that its addresses are aligned; the IPv6 header;
	// ports, a tag.
	IPV4 = -76,
	IPV4_ADDRESSES = IPV4 + 12,
	IPV6 = -104,
	IPV6_SOURCE = IPV6 + 8,
	IPV6_TARGET = IPV6 + 24,
	SMALL = -8,
	// FlowKind, and FlowKey.word: an established session's state, and the mark of the low side.
	UDP4 = 1, TCP4 = 3, UDP6 = 5, TCP6 = 7,
	MOST = 512,
};
static const uint64_t COMMON = (uint64_t)1 << 56;

/// A program while it is written. Jumps go to labels, which are put in place at the end.
struct writer {
	struct bpf_insn code[MOST];
	int count;
	int label_at[32];
	struct { int at, label; } jumps[64];
	int jump_count;
};

static void put(struct writer *to, uint8_t code, uint8_t target, uint8_t source, int16_t offset,
		int32_t value)
{
	if (to->count < MOST)
		to->code[to->count] = (struct bpf_insn){code, target, source, offset, value};
	to->count++;
}

static void alu(struct writer *to, uint8_t operation, uint8_t target, uint8_t source)
{
	put(to, BPF_ALU64 | operation | BPF_X, target, source, 0, 0);
}

static void alu_value(struct writer *to, uint8_t operation, uint8_t target, int32_t value)
{
	put(to, BPF_ALU64 | operation | BPF_K, target, 0, 0, value);
}

/// The low half, the high one cleared.
static void low_half(struct writer *to, uint8_t target, uint8_t source)
{
	put(to, BPF_ALU | BPF_MOV | BPF_X, target, source, 0, 0);
}

static void constant(struct writer *to, uint8_t target, uint64_t value)
{
	put(to, BPF_LD | BPF_DW | BPF_IMM, target, 0, 0, (int32_t)value);
	put(to, 0, 0, 0, 0, (int32_t)(value >> 32));
}

static void take(struct writer *to, uint8_t size, uint8_t target, uint8_t base, int16_t offset)
{
	put(to, BPF_LDX | BPF_MEM | size, target, base, offset, 0);
}

static void jump(struct writer *to, uint8_t code, uint8_t target, uint8_t source, int32_t value, int label)
{
	to->jumps[to->jump_count].at = to->count;
	to->jumps[to->jump_count++].label = label;
	put(to, BPF_JMP | code, target, source, 0, value);
}

static void label(struct writer *to, int number) { to->label_at[number] = to->count; }

enum label {
	TAGGED, NETWORK, V4, V6, FRAGMENT, TCP_V4, TCP_V6, PORTS_V4, KEY_V4, SWAP_V4, PORTS_EQUAL_V4, HASH,
	PAIR_V6, KEY_V6, SWAP_V6, LOW_V6, PORTS_V6, DIGEST, SECURITY, OWNER, OTHER,
};

/// Reads `size` bytes from offset R7 of the network header to the stack; elsewhere when there are fewer.
static void fetch(struct writer *to, int16_t place, int32_t size, int otherwise)
{
	alu(to, BPF_MOV, R1, R6);
	alu(to, BPF_MOV, R2, R7);
	alu(to, BPF_MOV, R3, FP);
	alu_value(to, BPF_ADD, R3, place);
	alu_value(to, BPF_MOV, R4, size);
	alu_value(to, BPF_MOV, R5, BPF_HDR_START_NET);
	put(to, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_skb_load_bytes_relative);
	jump(to, BPF_JNE | BPF_K, R0, 0, 0, otherwise);
}

/// FlowSecret.mix: R0 = low ^ high half of R1 * R2, which is 128 bits. R3, R4, R5 and R9 are used.
static void mix(struct writer *to)
{
	alu(to, BPF_MOV, R0, R1);
	alu(to, BPF_MUL, R0, R2);
	low_half(to, R3, R1);
	alu_value(to, BPF_RSH, R1, 32);
	low_half(to, R4, R2);
	alu_value(to, BPF_RSH, R2, 32);
	alu(to, BPF_MOV, R5, R3);
	alu(to, BPF_MUL, R5, R4);
	alu_value(to, BPF_RSH, R5, 32);
	alu(to, BPF_MOV, R9, R1);
	alu(to, BPF_MUL, R9, R4);
	alu(to, BPF_ADD, R9, R5);
	alu(to, BPF_MUL, R3, R2);
	low_half(to, R5, R9);
	alu(to, BPF_ADD, R3, R5);
	alu(to, BPF_MUL, R1, R2);
	alu_value(to, BPF_RSH, R9, 32);
	alu(to, BPF_ADD, R1, R9);
	alu_value(to, BPF_RSH, R3, 32);
	alu(to, BPF_ADD, R1, R3);
	alu(to, BPF_XOR, R0, R1);
}

/// R1 ^ left times R2 ^ right, mixed.
static void mix_keyed(struct writer *to, uint64_t left, uint64_t right)
{
	constant(to, R3, left);
	alu(to, BPF_XOR, R1, R3);
	constant(to, R3, right);
	alu(to, BPF_XOR, R2, R3);
	mix(to);
}

/// R4 = R3 with its 16-bit halves swapped.
static void swap_ports(struct writer *to)
{
	low_half(to, R4, R3);
	put(to, BPF_ALU | BPF_LSH | BPF_K, R4, 0, 0, 16);
	low_half(to, R5, R3);
	put(to, BPF_ALU | BPF_RSH | BPF_K, R5, 0, 0, 16);
	put(to, BPF_ALU | BPF_OR | BPF_X, R4, R5, 0, 0);
}

static void link_layer(struct writer *to)
{
	alu(to, BPF_MOV, R6, R1);
	alu_value(to, BPF_MOV, R7, 0);
	take(to, BPF_W, R8, R1, offsetof(struct __sk_buff, protocol));
	// The kernel has taken the outermost tag off.
	jump(to, BPF_JEQ | BPF_K, R8, 0, htons(ETH_P_8021Q), TAGGED);
	jump(to, BPF_JEQ | BPF_K, R8, 0, htons(ETH_P_8021AD), TAGGED);
	jump(to, BPF_JA, 0, 0, 0, NETWORK);
	label(to, TAGGED);
	fetch(to, SMALL, 4, OTHER);
	take(to, BPF_H, R8, FP, SMALL + 2);
	alu_value(to, BPF_ADD, R7, 4);
	label(to, NETWORK);
	jump(to, BPF_JEQ | BPF_K, R8, 0, htons(ETH_P_IP), V4);
	jump(to, BPF_JEQ | BPF_K, R8, 0, htons(ETH_P_IPV6), V6);
	jump(to, BPF_JA, 0, 0, 0, OTHER);
}

/// Leaves addresses in R1, ports in R3 and the kind in R8, as the key has them.
static void version_4(struct writer *to)
{
	label(to, V4);
	fetch(to, IPV4, 20, OTHER);
	take(to, BPF_B, R2, FP, IPV4);
	alu_value(to, BPF_AND, R2, 15);
	alu_value(to, BPF_LSH, R2, 2);
	alu(to, BPF_ADD, R7, R2);
	// All fragments of a pair of hosts go one way: none but the first has ports.
	take(to, BPF_H, R2, FP, IPV4 + 6);
	alu_value(to, BPF_AND, R2, htons(0x3FFF));
	jump(to, BPF_JNE | BPF_K, R2, 0, 0, FRAGMENT);
	take(to, BPF_B, R2, FP, IPV4 + 9);
	alu_value(to, BPF_MOV, R8, UDP4);
	jump(to, BPF_JEQ | BPF_K, R2, 0, IPPROTO_UDP, PORTS_V4);
	jump(to, BPF_JEQ | BPF_K, R2, 0, IPPROTO_ESP, SECURITY);
	jump(to, BPF_JEQ | BPF_K, R2, 0, IPPROTO_TCP, TCP_V4);
	label(to, FRAGMENT);
	alu_value(to, BPF_MOV, R8, 0);
	alu_value(to, BPF_MOV, R3, 0);
	jump(to, BPF_JA, 0, 0, 0, KEY_V4);
	label(to, TCP_V4);
	alu_value(to, BPF_MOV, R8, TCP4);
	label(to, PORTS_V4);
	fetch(to, SMALL, 4, OTHER);
	take(to, BPF_W, R3, FP, SMALL);
	label(to, KEY_V4);
	swap_ports(to);
	take(to, BPF_DW, R1, FP, IPV4_ADDRESSES);
	alu(to, BPF_MOV, R2, R1);
	alu_value(to, BPF_LSH, R2, 32);
	alu(to, BPF_MOV, R5, R1);
	alu_value(to, BPF_RSH, R5, 32);
	alu(to, BPF_OR, R2, R5);
	jump(to, BPF_JEQ | BPF_X, R1, R2, 0, PORTS_EQUAL_V4);
	jump(to, BPF_JGT | BPF_X, R1, R2, 0, SWAP_V4);
	jump(to, BPF_JA, 0, 0, 0, HASH);
	label(to, PORTS_EQUAL_V4);
	jump(to, BPF_JGT | BPF_X, R3, R4, 0, SWAP_V4);
	jump(to, BPF_JA, 0, 0, 0, HASH);
	label(to, SWAP_V4);
	alu(to, BPF_MOV, R1, R2);
	alu(to, BPF_MOV, R3, R4);
	jump(to, BPF_JA, 0, 0, 0, HASH);
}

/// A word of an IPv6 address as a number.
static void take_number(struct writer *to, uint8_t target, int16_t place)
{
	take(to, BPF_DW, target, FP, place);
	put(to, BPF_ALU | BPF_END | BPF_TO_BE, target, 0, 0, 64);
}

/// R1 = digest of the addresses at the places, the low endpoint's first.
static void digest(struct writer *to, const uint64_t *secret, int16_t low, int16_t high)
{
	take_number(to, R1, low);
	take_number(to, R2, low + 8);
	mix_keyed(to, secret[0], secret[2]);
	take_number(to, R1, high);
	alu(to, BPF_XOR, R1, R0);
	take_number(to, R2, high + 8);
	constant(to, R3, secret[1]);
	alu(to, BPF_XOR, R2, R3);
	mix(to);
	alu(to, BPF_MOV, R1, R0);
}

/// The same for IPv6 without extension headers. Ports are kept on the stack meanwhile.
static void version_6(struct writer *to, const uint64_t *secret)
{
	label(to, V6);
	fetch(to, IPV6, 40, OTHER);
	take(to, BPF_B, R2, FP, IPV6 + 6);
	alu_value(to, BPF_ADD, R7, 40);
	alu_value(to, BPF_MOV, R8, UDP6);
	jump(to, BPF_JEQ | BPF_K, R2, 0, IPPROTO_UDP, PORTS_V6);
	jump(to, BPF_JEQ | BPF_K, R2, 0, IPPROTO_ESP, SECURITY);
	jump(to, BPF_JEQ | BPF_K, R2, 0, IPPROTO_TCP, TCP_V6);
	alu_value(to, BPF_MOV, R8, 0);
	put(to, BPF_ST | BPF_MEM | BPF_W, FP, 0, SMALL, 0);
	jump(to, BPF_JA, 0, 0, 0, KEY_V6);
	label(to, TCP_V6);
	alu_value(to, BPF_MOV, R8, TCP6);
	label(to, PORTS_V6);
	fetch(to, SMALL, 4, OTHER);
	label(to, KEY_V6);
	for (int part = 0; part <= 8; part += 8) {
		take_number(to, R1, (int16_t)(IPV6_SOURCE + part));
		take_number(to, R2, (int16_t)(IPV6_TARGET + part));
		jump(to, BPF_JGT | BPF_X, R1, R2, 0, SWAP_V6);
		jump(to, BPF_JLT | BPF_X, R1, R2, 0, LOW_V6);
	}
	// Ports are compared as numbers.
	take(to, BPF_H, R1, FP, SMALL);
	put(to, BPF_ALU | BPF_END | BPF_TO_BE, R1, 0, 0, 16);
	take(to, BPF_H, R2, FP, SMALL + 2);
	put(to, BPF_ALU | BPF_END | BPF_TO_BE, R2, 0, 0, 16);
	jump(to, BPF_JGT | BPF_X, R1, R2, 0, SWAP_V6);
	label(to, LOW_V6);
	digest(to, secret, IPV6_SOURCE, IPV6_TARGET);
	take(to, BPF_W, R3, FP, SMALL);
	jump(to, BPF_JA, 0, 0, 0, HASH);
	label(to, SWAP_V6);
	digest(to, secret, IPV6_TARGET, IPV6_SOURCE);
	take(to, BPF_W, R3, FP, SMALL);
	swap_ports(to);
	alu(to, BPF_MOV, R3, R4);
}

static void compose(struct writer *to, const struct sluice_fanout_wish *wish)
{
	link_layer(to);
	version_4(to);
	version_6(to, wish->secret);
	// FlowSecret.hash of addresses R1, ports R3, kind R8.
	label(to, HASH);
	alu(to, BPF_MOV, R2, R8);
	alu_value(to, BPF_LSH, R2, 32);
	alu(to, BPF_OR, R2, R3);
	constant(to, R3, COMMON | (uint64_t)wish->established << 40);
	alu(to, BPF_OR, R2, R3);
	mix_keyed(to, wish->secret[0], wish->secret[1]);
	alu(to, BPF_MOV, R1, R0);
	constant(to, R2, wish->secret[3]);
	constant(to, R3, wish->secret[2]);
	alu(to, BPF_XOR, R1, R3);
	mix(to);
	// FlowHash.worker.
	label(to, OWNER);
	alu_value(to, BPF_RSH, R0, 16);
	alu_value(to, BPF_AND, R0, 0xFFFF);
	alu_value(to, BPF_MUL, R0, (int32_t)wish->workers);
	alu_value(to, BPF_RSH, R0, 16);
	put(to, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	// An SA's packets one way: its SPI (RFC 4303 §2.1) is all that is hashed.
	label(to, SECURITY);
	fetch(to, SMALL, 4, OTHER);
	take(to, BPF_W, R1, FP, SMALL);
	alu_value(to, BPF_MOV, R2, 0);
	mix_keyed(to, wish->secret[0], wish->secret[1]);
	jump(to, BPF_JA, 0, 0, 0, OWNER);
	label(to, OTHER);
	alu_value(to, BPF_MOV, R0, 0);
	put(to, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (int at = 0; at < to->jump_count; at++) {
		int from = to->jumps[at].at;
		to->code[from].off = (int16_t)(to->label_at[to->jumps[at].label] - from - 1);
	}
}

int sluice_fanout_load(const struct sluice_fanout_wish *wish, int *program)
{
	// The key has addresses and ports as this machine loads them.
	if (htons(1) == 1)
		return EOPNOTSUPP;
	struct writer to;
	memset(&to, 0, sizeof(to));
	compose(&to, wish);
	if (to.count > MOST)
		return E2BIG;
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attributes.insn_cnt = (uint32_t)to.count;
	attributes.insns = (uint64_t)(uintptr_t)to.code;
	attributes.license = (uint64_t)(uintptr_t) "Apache-2.0";
	memcpy(attributes.prog_name, "sluice_fanout", sizeof("sluice_fanout"));
	int found = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes));
	*program = found;
	return found < 0 ? errno : 0;
}
