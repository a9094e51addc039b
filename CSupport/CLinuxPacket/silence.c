#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sluice_packet_socket.h"

enum {
	// Linux 6.6.
	TCX_INGRESS = 46,
	TCX_EGRESS = 47,
	DROP = 2,
};

static int bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

// return DROP;
static int load(void)
{
	const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = DROP},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attributes.insn_cnt = sizeof(program) / sizeof(*program);
	attributes.insns = (uint64_t)(uintptr_t)program;
	attributes.license = (uint64_t)(uintptr_t) "Apache-2.0";
	memcpy(attributes.prog_name, "sluice_silence", sizeof("sluice_silence"));
	return bpf(BPF_PROG_LOAD, &attributes);
}

static int attach(int program, int interface, unsigned type)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.link_create.prog_fd = (uint32_t)program;
	attributes.link_create.target_ifindex = (uint32_t)interface;
	attributes.link_create.attach_type = type;
	return bpf(BPF_LINK_CREATE, &attributes);
}

int sluice_silence_load(int *program)
{
	*program = load();
	return *program < 0 ? errno : 0;
}

int sluice_silence_attach(int program, int interface, int *ingress, int *egress)
{
	*ingress = attach(program, interface, TCX_INGRESS);
	if (*ingress < 0)
		return errno;
	*egress = attach(program, interface, TCX_EGRESS);
	if (*egress >= 0)
		return 0;
	int error = errno;
	close(*ingress);
	return error;
}
