10 REM BRING: one open payment to its payee, if that is at hand. WAITING: what a card has refused; AGAIN: what is tried once more
20 IF PD.TO = ISSUER.NUMBER THEN GOTO 70
30 TRANSMIT TERMINAL, NAME PAYEE, DATA = PD.TO
40 IF SW <> X"9000" THEN RETURN
50 GOSUB SETTLE
60 GOTO 80
70 GOSUB SETTLE.WITH.ISSUER
80 REM A load lifts the limit of offline receipts, a collection gives a SAM's log room
90 IF OUTCOME = SETTLED THEN LET AGAIN = WAITING
100 IF OUTCOME = OPEN AND SW <> X"0000" AND SW <> X"0001" THEN LET WAITING = WAITING & PD
