#ifndef SLUICE_CPCAP_H
#define SLUICE_CPCAP_H
#include <pcap/pcap.h>
#endif
