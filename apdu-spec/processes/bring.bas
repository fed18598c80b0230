10 REM BRING: one open payment to its payee, if that is at hand. WAITING: what a card has refused; AGAIN: what is tried once more at the end
20 IF BEGUN = 0 THEN GOSUB AGAIN.PAYER
30 LET BEGUN = 1
40 IF PD.TO = ISSUER.NUMBER THEN GOTO 90
50 TRANSMIT TERMINAL, NAME PAYEE, DATA = PD.TO
60 IF SW <> X"9000" THEN RETURN
70 GOSUB SETTLE
80 GOTO 100
90 GOSUB SETTLE.WITH.ISSUER
100 REM A load lifts the limit of offline receipts, a collection gives a SAM's log room
110 IF OUTCOME = SETTLED THEN LET AGAIN = WAITING
120 IF OUTCOME = OPEN AND SW <> X"0000" AND SW <> X"0001" THEN LET WAITING = WAITING & PD
