10 REM REFUND: a merchant SAM pays a purse back, against a settled purchase in the purse's own log
20 INPUT AMOUNT, CURRENCY, TIME, MONTH, PIN
30 REM At first the purse is the payer: its open purchases from this SAM are settled
40 GOSUB SELECT.PAYEE
50 GOSUB SELECT.PAYER
60 IF PAYER.LIFE.CYCLE = BLANK OR PAYER.ROLE <> PURSE THEN STOP "refused: the payer is no purse, nothing has moved"
70 IF PAYEE.LIFE.CYCLE = BLANK OR PAYEE.ROLE <> MERCHANT THEN STOP "refused: the payee is no merchant SAM, nothing has moved"
80 IF PAYER.EXPIRY < MONTH OR PAYEE.EXPIRY < MONTH THEN STOP "refused: a card has expired, nothing has moved"
90 GOSUB OPEN.RECORDS
100 IF READ = 0 THEN STOP "refused: the purse's log cannot be read, nothing has moved"
110 IF LENGTH(PURCHASES) = 0 THEN GOTO 170
120 LET PD = FIRST(PURCHASES, 36)
130 LET PURCHASES = REST(PURCHASES, 36)
140 REM One that cannot be settled now is not the purchase that is paid back, or INITIALIZE says so
150 IF PD.TO = PAYEE.NUMBER THEN GOSUB SETTLE
160 GOTO 110
170 REM From here on the SAM is the payer
180 LET FROM = PAYEE.NUMBER
190 LET PAYEE.NUMBER = PAYER.NUMBER
200 LET KVN = PAYER.KVN
210 TRANSMIT TERMINAL, NAME PAYEE, DATA = PAYER.NUMBER
220 TRANSMIT TERMINAL, NAME PAYER, DATA = FROM
230 GOSUB SELECT.PAYER
240 GOSUB ENTER.PIN
250 LET KIND = REFUND
260 LET FROM.SEQUENCE = PAYER.SEQUENCE
270 GOSUB ASK
280 GOSUB HAND.OVER
290 REM The holder has the money; a SAM that does not hear of it hears of it at the next recovery
300 TRANSMIT PAYER, ACKNOWLEDGE, DATA = PD.FROM.SEQUENCE & ACK
310 IF SW = X"9000" THEN STOP "done"
320 STOP "done: the payer does not know it yet, recover"
