10 REM INTRODUCE: each purse verifies the certificate of the other, which is its peer until it is selected again
20 TRANSMIT PAYER, VERIFY CERTIFICATE, P2 = X"BE", DATA = PAYER.PEER
30 IF SW <> X"9000" THEN RETURN
40 TRANSMIT PAYEE, VERIFY CERTIFICATE, P2 = X"BE", DATA = PAYEE.PEER
