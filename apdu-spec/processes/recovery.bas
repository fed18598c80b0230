10 REM RECOVERY: what the cards at hand have in the air comes to its one end. At any time, as often as anyone likes.
20 REM What a card takes, takes back or declines is a new record, and pushes the oldest one out of its log: an open
30 REM purchase, or what it would have answered of a payment to it. This order loses none of them, whatever the order of CARDS
40 INPUT CARDS, ISSUER.NUMBER
50 LET OLDEST = X""
60 LET BOUGHT = X""
70 LET OTHERS.DUE = X""
80 LET ANSWERS = X""
90 LET WAITING = X""
100 LET AGAIN = X""
110 LET PAYER.PEER = X""
120 LET PAYEE.PEER = X""
130 LET PAYER.READY = 0
140 LET PAYER.NUMBER = X""
150 LET PAYER.SEQUENCE = NUMBER(X"00000000")
160 LET PAYER.ROLE = PURSE
170 REM What there is, and what payees have done with it: that writes nothing
180 LET TURN = CARDS
190 IF LENGTH(TURN) = 0 THEN GOTO 240
200 LET CARD = FIRST(TURN, 8)
210 LET TURN = REST(TURN, 8)
220 GOSUB LOOK
230 GOTO 190
240 LET TURN = CARDS
250 IF LENGTH(TURN) = 0 THEN GOTO 300
260 LET CARD = FIRST(TURN, 8)
270 LET TURN = REST(TURN, 8)
280 GOSUB ASK.PAYEE
290 GOTO 250
300 REM Loads and purchases: but for what SAMs take in, a card is written for its own payments only
310 LET TURN = CARDS
320 IF LENGTH(TURN) = 0 THEN GOTO 370
330 LET CARD = FIRST(TURN, 8)
340 LET TURN = REST(TURN, 8)
350 GOSUB BRING.PURCHASES
360 GOTO 320
370 REM The others; a card that may take one back is asked before, for it may have used a sequence since
380 LET TURN = CARDS
390 IF LENGTH(TURN) = 0 THEN GOTO 450
400 LET CARD = FIRST(TURN, 8)
410 LET TURN = REST(TURN, 8)
420 GOSUB ASK.PAYEE
430 GOSUB BRING.OTHERS
440 GOTO 390
450 REM Something else has come to its end since cards refused these
460 LET TURN = AGAIN
470 IF LENGTH(TURN) = 0 THEN STOP "done"
480 LET PD = FIRST(TURN, 36)
490 LET TURN = REST(TURN, 36)
500 TRANSMIT TERMINAL, NAME PAYER, DATA = PD.FROM
510 LET BEGUN = 0
520 GOSUB BRING
530 GOTO 470
