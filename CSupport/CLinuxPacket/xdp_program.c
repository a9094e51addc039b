#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sluice_xdp.h"

/// What our program is called, here and in bpftool's lists: at most 15 bytes.
#define PROGRAM_NAME "sluice_xdp"

static int bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

int sluice_xdp_map_make(uint32_t queues)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_type = BPF_MAP_TYPE_XSKMAP;
	attributes.key_size = sizeof(uint32_t);
	attributes.value_size = sizeof(uint32_t);
	attributes.max_entries = queues;
	memcpy(attributes.map_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	int map = bpf(BPF_MAP_CREATE, &attributes);
	return map >= 0 ? map : -errno;
}

int sluice_xdp_map_set(int map, uint32_t queue, int socket)
{
	uint32_t value = (uint32_t)socket;
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (uint32_t)map;
	attributes.key = (uint64_t)(uintptr_t)&queue;
	attributes.value = (uint64_t)(uintptr_t)&value;
	return bpf(BPF_MAP_UPDATE_ELEM, &attributes) == 0 ? 0 : errno;
}

// return bpf_redirect_map(map, context->rx_queue_index, XDP_PASS);
static int load(int map)
{
	const struct bpf_insn program[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_1,
		 .off = offsetof(struct xdp_md, rx_queue_index)},
		{.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map},
		{.code = 0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_XDP;
	attributes.expected_attach_type = BPF_XDP;
	attributes.insn_cnt = sizeof(program) / sizeof(*program);
	attributes.insns = (uint64_t)(uintptr_t)program;
	attributes.license = (uint64_t)(uintptr_t) "Apache-2.0";
	memcpy(attributes.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	return bpf(BPF_PROG_LOAD, &attributes);
}

int sluice_xdp_attach(int map, int interface, bool is_generic)
{
	int program = load(map);
	if (program < 0)
		return -errno;
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.link_create.prog_fd = (uint32_t)program;
	attributes.link_create.target_ifindex = (uint32_t)interface;
	attributes.link_create.attach_type = BPF_XDP;
	attributes.link_create.flags = is_generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	int link = bpf(BPF_LINK_CREATE, &attributes);
	int error = errno;
	// The link keeps it.
	close(program);
	return link >= 0 ? link : -error;
}

// MARK: What is attached

struct request {
	struct nlmsghdr header;
	struct ifinfomsg interface;
	char attributes[64];
};

/// Asks and reads the answer: its length, or -errno.
static long ask(struct request *request, void *answer, size_t capacity)
{
	int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (descriptor < 0)
		return -errno;
	long count = send(descriptor, request, request->header.nlmsg_len, 0);
	if (count >= 0)
		count = recv(descriptor, answer, capacity, 0);
	if (count < 0)
		count = -errno;
	close(descriptor);
	if (count < 0)
		return count;
	const struct nlmsghdr *header = answer;
	if (!NLMSG_OK(header, (size_t)count))
		return -EPROTO;
	if (header->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
	return count;
}

static void begin(struct request *request, int type, int flags, int interface)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	request->header.nlmsg_type = (uint16_t)type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	request->interface.ifi_index = interface;
}

static const struct rtattr *find(const struct rtattr *attribute, long left, int type)
{
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if ((attribute->rta_type & NLA_TYPE_MASK) == type)
			return attribute;
	return NULL;
}

/// Number and mode of the program in an IFLA_XDP attribute, of whatever mode it is.
static void find_program(const struct rtattr *xdp, struct sluice_xdp_program *out)
{
	static const struct {
		int attribute;
		uint32_t mode;
	} modes[] = {
		{IFLA_XDP_DRV_PROG_ID, XDP_FLAGS_DRV_MODE},
		{IFLA_XDP_SKB_PROG_ID, XDP_FLAGS_SKB_MODE},
		{IFLA_XDP_HW_PROG_ID, XDP_FLAGS_HW_MODE},
	};
	for (size_t index = 0; index < sizeof(modes) / sizeof(*modes); index++) {
		const struct rtattr *id = find(RTA_DATA(xdp), (long)RTA_PAYLOAD(xdp), modes[index].attribute);
		if (!id || RTA_PAYLOAD(id) < sizeof(uint32_t))
			continue;
		out->id = *(const uint32_t *)RTA_DATA(id);
		out->mode = modes[index].mode;
		return;
	}
}

static void find_name(struct sluice_xdp_program *out)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_id = out->id;
	int program = bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
	if (program < 0)
		return;
	struct bpf_prog_info info;
	memset(&info, 0, sizeof(info));
	memset(&attributes, 0, sizeof(attributes));
	attributes.info.bpf_fd = (uint32_t)program;
	attributes.info.info_len = sizeof(info);
	attributes.info.info = (uint64_t)(uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes) == 0)
		memcpy(out->name, info.name, sizeof(out->name) - 1);
	close(program);
}

int sluice_xdp_find(int interface, struct sluice_xdp_program *out)
{
	memset(out, 0, sizeof(*out));
	struct request request;
	begin(&request, RTM_GETLINK, 0, interface);
	_Alignas(struct nlmsghdr) char answer[16384];
	long count = ask(&request, answer, sizeof(answer));
	if (count < 0)
		return (int)-count;
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	long left = (long)IFLA_PAYLOAD(header);
	const struct rtattr *xdp = find(IFLA_RTA(NLMSG_DATA(header)), left, IFLA_XDP);
	if (xdp)
		find_program(xdp, out);
	if (out->id)
		find_name(out);
	out->is_ours = strcmp(out->name, PROGRAM_NAME) == 0;
	return 0;
}

/// Puts a number behind the attributes inside `outer`.
static void put_number(struct rtattr *outer, int type, uint32_t value)
{
	struct rtattr *inner = (struct rtattr *)((char *)outer + RTA_ALIGN(outer->rta_len));
	inner->rta_type = (uint16_t)type;
	inner->rta_len = RTA_LENGTH(sizeof(value));
	memcpy(RTA_DATA(inner), &value, sizeof(value));
	outer->rta_len = (uint16_t)(RTA_ALIGN(outer->rta_len) + inner->rta_len);
}

int sluice_xdp_detach(int interface, const struct sluice_xdp_program *program)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_id = program->id;
	int found = bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
	if (found < 0)
		return errno;
	struct request request;
	begin(&request, RTM_SETLINK, NLM_F_ACK, interface);
	struct rtattr *outer = (struct rtattr *)request.attributes;
	outer->rta_type = IFLA_XDP | NLA_F_NESTED;
	outer->rta_len = RTA_LENGTH(0);
	put_number(outer, IFLA_XDP_FD, (uint32_t)-1);
	// Of the mode it has, and none but it: somebody else's may have come in its place.
	put_number(outer, IFLA_XDP_FLAGS, program->mode | XDP_FLAGS_REPLACE);
	put_number(outer, IFLA_XDP_EXPECTED_FD, (uint32_t)found);
	request.header.nlmsg_len += outer->rta_len;
	_Alignas(struct nlmsghdr) char answer[1024];
	long count = ask(&request, answer, sizeof(answer));
	close(found);
	return count < 0 ? (int)-count : 0;
}
