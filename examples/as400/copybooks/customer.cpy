      * Customer master, one record of fixed length for each customer.
       01  CUSTOMER-RECORD.
           05  CUST-ID             PIC 9(7)      COMP-3.
           05  CUST-NAME           PIC X(30).
           05  CUST-CITY           PIC X(20).
           05  CUST-COUNTRY        PIC X(2).
           05  CUST-SINCE          PIC S9(7)     COMP-3.
           05  CREDIT-LIMIT        PIC S9(9)V99  COMP-3.
           05  CUST-STATUS         PIC X.
               88  CUST-ACTIVE     VALUE 'A'.
               88  CUST-CLOSED     VALUE 'C'.
