// What Swift cannot spell: prefetch, SIMD masks, affinity, windows on files. No policy.
#ifndef SLUICE_CLINUXPACKET_H
#define SLUICE_CLINUXPACKET_H

#include "sluice_agree.h"
#include "sluice_capabilities.h"
#include "sluice_copy.h"
#include "sluice_fanout.h"
#include "sluice_files.h"
#include "sluice_packet_ring.h"
#include "sluice_packet_socket.h"
#include "sluice_prefetch.h"
#include "sluice_tap.h"
#include "sluice_thread.h"
#include "sluice_wake.h"
#include "sluice_window.h"
#include "sluice_xdp.h"
#include "sluice_xdp_ring.h"

#endif
