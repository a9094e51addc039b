/* Uses a core, in registers only, until it is killed or whoever started it is gone. */
#include <signal.h>
#include <sys/prctl.h>

int main(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		__asm__ volatile("");
}
