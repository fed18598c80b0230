"""Another program that uses a reader: stranger.py WHAT READER, until its input is closed.

reset        connects, resets the card and leaves it, again and again
select       connects and selects the MF, again and again, in no transaction
exclusive    has the card for itself
transaction  holds a transaction
ask          says what the card answers to an empty VERIFY, in the session that it finds, and is done
once         begins a transaction, resets the card, selects the MF, ends, and is done
"""

import sys
import threading

from smartcard import scard

BOTH = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
SELECT_MF = [0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00]


def done(result):
    """Values behind a result that has to be a success."""
    code, *values = result if isinstance(result, (list, tuple)) else [result]
    if code != scard.SCARD_S_SUCCESS:
        raise RuntimeError(scard.SCardGetErrorMessage(code))
    return values


def connect(context, reader, sharing=scard.SCARD_SHARE_SHARED):
    return done(scard.SCardConnect(context, reader, sharing, BOTH))


def reset(context, reader):
    card, _ = connect(context, reader)
    done(scard.SCardReconnect(card, scard.SCARD_SHARE_SHARED, BOTH, scard.SCARD_RESET_CARD))
    scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)


def select(context, reader):
    card, protocol = connect(context, reader)
    done(scard.SCardTransmit(card, protocol, SELECT_MF))
    scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)


def once(context, reader):
    card, protocol = connect(context, reader)
    done(scard.SCardBeginTransaction(card))
    _, protocol = protocol, done(
        scard.SCardReconnect(card, scard.SCARD_SHARE_SHARED, BOTH, scard.SCARD_RESET_CARD)
    )[0]
    done(scard.SCardTransmit(card, protocol, SELECT_MF))
    done(scard.SCardEndTransaction(card, scard.SCARD_LEAVE_CARD))
    scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)


def until_closed():
    """An event that is set when the input is closed."""
    closed = threading.Event()

    def wait():
        sys.stdin.read()
        closed.set()

    threading.Thread(target=wait, daemon=True).start()
    return closed


def main():
    what, reader = sys.argv[1:]
    (context,) = done(scard.SCardEstablishContext(scard.SCARD_SCOPE_USER))
    closed = until_closed()
    if what == "ask":
        card, protocol = connect(context, reader)
        (answer,) = done(scard.SCardTransmit(card, protocol, [0x00, 0x20, 0x00, 0x80]))
        print(bytes(answer).hex(), flush=True)
        scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
        return
    if what == "once":
        once(context, reader)
        print("begun", flush=True)
        return
    if what in ("exclusive", "transaction"):
        alone = what == "exclusive"
        card, _ = connect(context, reader, scard.SCARD_SHARE_EXCLUSIVE if alone else scard.SCARD_SHARE_SHARED)
        if not alone:
            done(scard.SCardBeginTransaction(card))
        print("begun", flush=True)
        closed.wait()
        scard.SCardDisconnect(card, scard.SCARD_RESET_CARD)
        return
    disturb = {"reset": reset, "select": select}[what]
    disturb(context, reader)
    print("begun", flush=True)
    times = 1
    while not closed.is_set():
        try:
            disturb(context, reader)
            times += 1
        except RuntimeError:
            # Somebody else has the card just now, or has reset it.
            pass
    print(times, flush=True)


main()
