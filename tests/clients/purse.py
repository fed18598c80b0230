#!/usr/bin/python3
"""Shows what a purse card in a reader says, with nothing but pyscard.

    purse.py READER [--json] [--verify]

READER is a reader's name or a part of it that only one reader has. With
--verify, PINs are read from stdin, one a line, and tried in this order: each
wrong one costs a try, and after three the PIN is blocked. Nothing else changes
anything on the card.
"""

import argparse
import json
import re
import struct
import sys

from smartcard.System import readers
from smartcard.util import toHexString

AID = bytes.fromhex("F0505552534501")
EF_ID, EF_LOG = 0x15, 0x18  # short file identifiers
SUCCESS, BLOCKED, TERMINATED, RECORD_NOT_FOUND = 0x9000, 0x6283, 0x6285, 0x6A83
LIFE_CYCLES = {0x01: "blank", 0x04: "blocked", 0x06: "locked", 0x07: "active", 0x0C: "terminated"}
ROLES = {1: "purse", 2: "merchant"}
KINDS = {1: "load", 2: "unload", 3: "purchase", 4: "refund", 5: "transfer"}
RECORD_ROLES = {1: "payer", 2: "payee", 3: "declined", 4: "reversal"}
STATES = {0: "open", 1: "settled", 2: "reversed", 3: "refunded"}


class Refused(Exception):
    """The card has answered with a status word that the caller did not expect."""


class Card:
    """APDUs to the card in a reader. With T=0 and T=1 alike: what T=0 fetches in pieces is put together here."""

    def __init__(self, reader):
        self.connection = reader.createConnection()
        # pyscard powers the card down when it disconnects: nobody finds our verified PIN.
        self.connection.connect()

    def close(self):
        self.connection.disconnect()

    def exchange(self, command):
        """Data and status word of one command APDU."""
        data, sw1, sw2 = self.connection.transmit(list(command))
        if sw1 == 0x6C:  # T=0: the answer is so long, ask again
            data, sw1, sw2 = self.connection.transmit(list(command[:4]) + [sw2])
        while sw1 == 0x61:  # T=0: so much of the answer is waiting
            more, sw1, sw2 = self.connection.transmit([0x00, 0xC0, 0x00, 0x00, sw2])
            data += more
        return bytes(data), sw1 << 8 | sw2

    def ask(self, what, command, accepted=(SUCCESS,)):
        data, status = self.exchange(command)
        if status not in accepted:
            raise Refused(f"{what}: {status:04X}")
        return data

    def select(self):
        """The FCI. Blocked and terminated cards give theirs with a warning."""
        command = bytes([0x00, 0xA4, 0x04, 0x00, len(AID)]) + AID + b"\0"
        return self.ask("SELECT", command, (SUCCESS, BLOCKED, TERMINATED))

    def read_binary(self, file):
        return self.ask("READ BINARY", bytes([0x00, 0xB0, 0x80 | file, 0, 0]))

    def read_records(self, file):
        """Every record, from number 1 until the card says that there is none."""
        for number in range(1, 255):
            command = bytes([0x00, 0xB2, number, file << 3 | 4, 0])
            record, status = self.exchange(command)
            if status == RECORD_NOT_FOUND:
                return
            if status != SUCCESS:
                raise Refused(f"READ RECORD {number}: {status:04X}")
            yield record

    def get_data(self, tag):
        """The value of a data object with a two-byte tag."""
        answer = self.ask("GET DATA", bytes([0x00, 0xCA, tag >> 8, tag & 0xFF, 0]))
        return tlv(answer)[tag]

    def verify(self, pin=None):
        """The status word; without a PIN, the card only says whether one has been verified."""
        block = b"" if pin is None else b"\x08" + pin_block(pin)
        _, status = self.exchange(bytes([0x00, 0x20, 0x00, 0x80]) + block)
        return status


def pin_block(pin):
    """ISO 9564 format 2: 1234 is 24 12 34 FF FF FF FF FF."""
    return bytes.fromhex(f"2{len(pin):X}{pin}".ljust(16, "F"))


def tlv(content):
    """The BER-TLV data objects of a template; the card's lengths have one byte."""
    objects = {}
    while content:
        tag, rest = content[0], content[1:]
        if tag & 0x1F == 0x1F:
            tag, rest = tag << 8 | rest[0], rest[1:]
        objects[tag], content = rest[1:1 + rest[0]], rest[1 + rest[0]:]
    return objects


def money(minor, exponent):
    if not exponent:
        return str(minor)
    return f"{minor // 10 ** exponent}.{minor % 10 ** exponent:0{exponent}d}"


def status_block(block):
    """The 29 bytes that SELECT and EF.ID give."""
    (version, life_cycle, role, number, key_version, sequence,
     currency, exponent, balance, expiry, maximum) = struct.unpack(">BBB8sBI2sBI2sI", block)
    if version != 1:
        raise Refused(f"version {version} of the standard")
    return {
        "life_cycle": LIFE_CYCLES[life_cycle],
        "role": ROLES[role],
        "number": number.hex(),
        "key_version": key_version,
        "sequence": sequence,
        "currency": currency.hex()[1:],
        "exponent": exponent,
        "balance": money(balance, exponent),
        "expiry": f"20{expiry[:1].hex()}-{expiry[1:].hex()}",
        "maximum_balance": money(maximum, exponent),
        "bytes": block.hex().upper(),
    }


def log_record(record, exponent):
    """The 50 bytes of a record: pay details 36, role, state, balance after 4, TAC 8."""
    (kind, _key_version, currency, amount, payer, from_sequence, payee, to_sequence, time,
     role, state, balance, tac) = struct.unpack(">BB2sI8sI8sIIBBI8s", record)
    return {
        "kind": KINDS[kind],
        "currency": currency.hex()[1:],
        "amount": money(amount, exponent),
        "from": payer.hex(),
        "from_sequence": from_sequence,
        "to": payee.hex(),
        "to_sequence": to_sequence,
        "time": time,
        "role": RECORD_ROLES[role],
        "state": STATES[state],
        "balance": money(balance, exponent),
        "tac": tac.hex().upper(),
        "bytes": record.hex().upper(),
    }


def find(name):
    every = readers()
    found = [reader for reader in every if str(reader) == name] or [reader for reader in every if name in str(reader)]
    if len(found) != 1:
        sys.exit(f"{name!r} is {len(found)} of the readers {[str(reader) for reader in every]}")
    return found[0]


def inspect(card, pins):
    """Everything that the card says to somebody without keys."""
    control = tlv(tlv(card.select())[0x6F])
    status = status_block(tlv(control[0xA5])[0xC1])
    answers = {
        "protocol": {1: "T=0", 2: "T=1"}[card.connection.getProtocol()],
        "answer_to_reset": toHexString(card.connection.getATR()).replace(" ", ""),
        "application": control[0x84].hex().upper(),
        "status": status,
        "identity": card.read_binary(EF_ID).hex().upper(),
        "log": [log_record(record, status["exponent"]) for record in card.read_records(EF_LOG)],
        "log_format": card.get_data(0x9F4F).hex().upper(),
        "pin_tries": card.get_data(0x9F17)[0],
        "verified": f"{card.verify():04X}",
    }
    answers["verify"] = [
        {"status": f"{card.verify(pin):04X}", "verified": f"{card.verify():04X}", "pin_tries": card.get_data(0x9F17)[0]}
        for pin in pins
    ]
    return answers


def show(answers):
    status = answers["status"]
    print(f"{status['role']} {status['number']}, {status['life_cycle']}, valid to {status['expiry']},"
          f" {answers['protocol']}")
    print(f"balance {status['balance']} of at most {status['maximum_balance']} (currency {status['currency']})")
    for record in answers["log"]:
        print(f"{record['kind']} of {record['amount']} from {record['from']} to {record['to']}:"
              f" {record['role']}, {record['state']}, balance {record['balance']}")
    print(f"PIN: {answers['pin_tries']} tries left")
    for answer in answers["verify"]:
        print(f"VERIFY: {answer['status']}, {answer['pin_tries']} tries left")


def main():
    parser = argparse.ArgumentParser(description="Show what a purse card in a reader says.")
    parser.add_argument("reader", help="the reader's name, or a part that only one reader has")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    # Not arguments: other programs can read those.
    parser.add_argument("--verify", action="store_true", help="try the PINs on stdin, one a line")
    arguments = parser.parse_args()
    pins = sys.stdin.read().splitlines() if arguments.verify else []
    if not all(re.fullmatch("[0-9]{4,12}", pin) for pin in pins):
        sys.exit("a PIN has 4 to 12 digits")
    card = Card(find(arguments.reader))
    try:
        answers = inspect(card, pins)
    except Refused as refusal:
        sys.exit(f"the card refuses {refusal}")
    finally:
        card.close()
    if arguments.json:
        print(json.dumps(answers, indent=2))
    else:
        show(answers)


if __name__ == "__main__":
    main()
