10 REM REFUND: a merchant SAM pays a purse back, against a settled purchase in the purse's own log
20 INPUT AMOUNT, CURRENCY, TIME, MONTH, PIN
30 REM At first the purse is the payer: its open purchases from this SAM are settled
40 GOSUB SELECT.PAYEE
50 GOSUB SELECT.PAYER
60 IF PAYER.LIFE.CYCLE = BLANK OR PAYER.ROLE <> PURSE THEN STOP "refused: the payer is no purse, nothing has moved"
70 IF PAYEE.LIFE.CYCLE = BLANK OR PAYEE.ROLE <> MERCHANT THEN STOP "refused: the payee is no merchant SAM, nothing has moved"
80 IF PAYER.EXPIRY < MONTH OR PAYEE.EXPIRY < MONTH THEN STOP "refused: a card has expired, nothing has moved"
90 LET PAYER.READY = 1
100 GOSUB OPEN.RECORDS
110 IF READ = 0 THEN STOP "refused: the purse's log cannot be read, nothing has moved"
120 IF LENGTH(PURCHASES) = 0 THEN GOTO 180
130 LET PD = FIRST(PURCHASES, 36)
140 LET PURCHASES = REST(PURCHASES, 36)
150 REM One that cannot be settled now is not the purchase that is paid back, or INITIALIZE says so
160 IF PD.TO = PAYEE.NUMBER THEN GOSUB SETTLE
170 GOTO 120
180 IF PAYER.READY = 0 THEN GOSUB SELECT.PAYER
190 REM From here on the SAM is the payer
200 LET FROM = PAYEE.NUMBER
210 LET PAYEE.NUMBER = PAYER.NUMBER
220 LET KVN = PAYER.KVN
230 TRANSMIT TERMINAL, NAME PAYEE, DATA = PAYER.NUMBER
240 TRANSMIT TERMINAL, NAME PAYER, DATA = FROM
250 GOSUB SELECT.PAYER
260 GOSUB ENTER.PIN
270 LET KIND = REFUND
280 LET FROM.SEQUENCE = PAYER.SEQUENCE
290 GOSUB ASK
300 GOSUB HAND.OVER
310 REM The holder has the money; a SAM that does not hear of it hears of it at the next recovery
320 TRANSMIT PAYER, ACKNOWLEDGE, DATA = PD.FROM.SEQUENCE & ACK
330 IF SW = X"9000" THEN STOP "done"
340 STOP "done: the payer does not know it yet, recover"
