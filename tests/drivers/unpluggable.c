/* vpcd's driver with a reader that can be unplugged: it is, as long as the file /run/unplugged is there. Everything that
 * is not here pcscd finds in vpcd's own library, which this one is linked with. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

#include <PCSC/ifdhandler.h>

static int is_unplugged(void)
{
	return access("/run/unplugged", F_OK) == 0;
}

RESPONSECODE IFDHICCPresence(DWORD lun)
{
	RESPONSECODE (*plugged)(DWORD) = dlsym(RTLD_NEXT, "IFDHICCPresence");
	if (is_unplugged() || !plugged)
		return IFD_NO_SUCH_DEVICE;
	return plugged(lun);
}

RESPONSECODE IFDHTransmitToICC(DWORD lun, SCARD_IO_HEADER sent, PUCHAR command, DWORD command_length, PUCHAR response,
	PDWORD response_length, PSCARD_IO_HEADER received)
{
	RESPONSECODE (*plugged)(DWORD, SCARD_IO_HEADER, PUCHAR, DWORD, PUCHAR, PDWORD, PSCARD_IO_HEADER) =
		dlsym(RTLD_NEXT, "IFDHTransmitToICC");
	if (is_unplugged() || !plugged)
		return IFD_NO_SUCH_DEVICE;
	return plugged(lun, sent, command, command_length, response, response_length, received);
}
