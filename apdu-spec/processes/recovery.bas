10 REM RECOVERY: what a card has in the air comes to its one end. For each card at hand; at any time, as often as anyone likes
20 INPUT CARD, ISSUER.NUMBER
30 LET WAITING = X""
40 LET AGAIN = X""
50 TRANSMIT TERMINAL, NAME PAYER, DATA = CARD
60 TRANSMIT PAYER, SELECT, P1 = X"04", P2 = X"00", DATA = X"F0505552534501"
70 RECEIVE FCI
80 IF SW <> X"9000" AND SW <> X"6283" AND SW <> X"6285" THEN GOTO 400
90 GOSUB PAYER.STATUS
100 IF PAYER.NUMBER <> CARD THEN GOTO 400
105 LET PAYER.READY = 1
110 GOSUB OPEN.RECORDS
120 REM A load comes first, for a payment that is taken back would use the sequence that the load was given for.
130 REM But a credited load is a new record, which pushes the oldest one out; an open purchase would be lost that way
140 IF LENGTH(PURCHASES) = 0 THEN GOTO 230
150 LET PD = FIRST(PURCHASES, 36)
160 LET BEFORE = PD.FROM.SEQUENCE
170 IF BEFORE = 0 THEN GOTO 210
180 LET BEFORE = BEFORE - 1
190 TRANSMIT PAYER, READ ENTRY, DATA = BEFORE
200 IF SW = X"9000" THEN GOTO 230
210 LET PURCHASES = REST(PURCHASES, 36)
220 GOSUB BRING
230 GOSUB RECOVER.LOAD
240 IF OUTCOME = SETTLED THEN LET AGAIN = WAITING
250 REM Purchases, then the others: taking back is a new record too
260 LET WANTING = PURCHASES & OTHERS
270 IF LENGTH(WANTING) = 0 THEN GOTO 320
280 LET PD = FIRST(WANTING, 36)
290 LET WANTING = REST(WANTING, 36)
300 GOSUB BRING
310 GOTO 270
320 REM Something else has come to its end since a card refused these
330 LET WANTING = AGAIN
340 IF LENGTH(WANTING) = 0 THEN GOTO 390
350 LET PD = FIRST(WANTING, 36)
360 LET WANTING = REST(WANTING, 36)
370 GOSUB BRING
380 GOTO 340
390 STOP "done"
400 REM The card does not say what it has paid, but its load may still be brought to its end
410 GOSUB RECOVER.LOAD
420 STOP "refused: the card cannot be read"
