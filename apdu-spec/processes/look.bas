10 REM LOOK: what CARD has to pay: OLDEST (at most one purchase of a card), BOUGHT and OTHERS.DUE
20 TRANSMIT TERMINAL, NAME PAYER, DATA = CARD
30 GOSUB AGAIN.PAYER
40 REM The number of a card that does not answer is still that of the one before it
50 IF PAYER.NUMBER <> CARD THEN RETURN
60 GOSUB OPEN.RECORDS
70 REM A load comes before purchases, for one that is taken back would use the sequence that the load was given for.
80 REM But a credited load is a new record; a purchase that is the oldest one of the log would be lost
90 IF LENGTH(PURCHASES) = 0 THEN GOTO 180
100 LET PD = FIRST(PURCHASES, 36)
110 IF PD.FROM.SEQUENCE = KNOWN THEN GOTO 160
120 LET BEFORE = PD.FROM.SEQUENCE
130 LET BEFORE = BEFORE - 1
140 TRANSMIT PAYER, READ ENTRY, DATA = BEFORE
150 IF SW = X"9000" THEN GOTO 180
160 LET OLDEST = OLDEST & PD
170 LET PURCHASES = REST(PURCHASES, 36)
180 LET BOUGHT = BOUGHT & PURCHASES
190 LET OTHERS.DUE = OTHERS.DUE & OTHERS
