10 REM REFUND: a merchant SAM pays a purse back, against a settled purchase in the purse's own log
20 INPUT AMOUNT, CURRENCY, TIME, MONTH, PIN
30 REM At first the purse is the payer: its open purchases from this SAM are settled
40 GOSUB SELECT.PAYEE
50 GOSUB SELECT.PAYER
60 IF PAYER.LIFE.CYCLE = BLANK OR PAYER.ROLE <> PURSE THEN STOP "refused: the payer is no purse, nothing has moved"
70 IF PAYEE.LIFE.CYCLE = BLANK OR PAYEE.ROLE <> MERCHANT THEN STOP "refused: the payee is no merchant SAM, nothing has moved"
80 IF PAYER.EXPIRY < MONTH OR PAYEE.EXPIRY < MONTH THEN STOP "refused: a card has expired, nothing has moved"
90 LET PAYER.READY = 1
100 LET ANSWERS = X""
110 GOSUB OPEN.RECORDS
120 IF READ = 0 THEN STOP "refused: the purse's log cannot be read, nothing has moved"
130 IF LENGTH(PURCHASES) = 0 THEN GOTO 190
140 LET PD = FIRST(PURCHASES, 36)
150 LET PURCHASES = REST(PURCHASES, 36)
160 REM One that cannot be settled now is not the purchase that is paid back, or INITIALIZE says so
170 IF PD.TO = PAYEE.NUMBER THEN GOSUB SETTLE
180 GOTO 130
190 IF PAYER.READY = 0 THEN GOSUB SELECT.PAYER
200 REM From here on the SAM is the payer
210 LET FROM = PAYEE.NUMBER
220 LET PAYEE.NUMBER = PAYER.NUMBER
230 LET KVN = PAYER.KVN
240 TRANSMIT TERMINAL, NAME PAYEE, DATA = PAYER.NUMBER
250 TRANSMIT TERMINAL, NAME PAYER, DATA = FROM
260 GOSUB SELECT.PAYER
270 GOSUB ENTER.PIN
280 LET KIND = REFUND
290 LET FROM.SEQUENCE = PAYER.SEQUENCE
300 GOSUB ASK
310 GOSUB HAND.OVER
320 REM The holder has the money; a SAM that does not hear of it hears of it at the next recovery
330 TRANSMIT PAYER, ACKNOWLEDGE, DATA = PD.FROM.SEQUENCE & ACK
340 IF SW = X"9000" THEN STOP "done"
350 STOP "done: the payer does not know it yet, recover"
